"""``./arena restore``: makes a database of a backup, as it was then or at a later point in time."""

import contextlib
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from chalicelib.arena.outbox import KEPT
from chalicelib.backup.manifest import Manifest
from chalicelib.backup.naming import BackupName
from chalicelib.backup.replaying import EventSource, Replay
from chalicelib.backup.restoring import Restored, Restorer
from chalicelib.backup.shelf import Shelf
from chalicelib.clock import system_clock
from chalicelib.data.event_sources import BackupEvents, DatabaseEvents
from chalicelib.data.pools import Pools
from chalicelib.data.restores import MongoReplay, MongoRestoreTarget
from infra.cli.asking import require_yes
from infra.cli.backup_options import common, explained, line, newest, objects, opened
from infra.cli.progress import Progress
from infra.cli.region_databases import RegionDatabase, database_in, named_databases

TOLD_FOR = KEPT - timedelta(days=1)
"""How long after a backup its outbox still has everything that followed."""


class Moment(click.ParamType[datetime]):
    """A time with its offset from UTC."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r}: write 2026-11-30T06:33:00Z", param, ctx)
        if found.tzinfo is None:
            self.fail(f"{value!r}: say its offset from UTC, e.g. Z", param, ctx)
        return found.astimezone(UTC)


@click.command()
@click.option("--from", "store", metavar="STORE", help="s3://BUCKET[/PREFIX], or a directory. Default: the region's.")
@click.option("--backup", "backup_id", metavar="ID", help="Default: the newest, of before --until.")
@click.option("--into", metavar="URI", help="mongodb://host/DATABASE. Default: the region's own, in the local cloud.")
@click.option("--until", type=Moment(), help="Go on from the backup to this time, by what outboxes tell.")
@click.option("--events", multiple=True, metavar="REGION=URI", help="A database whose outbox tells what followed.")
@click.option("--again", is_flag=True, help="Take up, or do away with, what a dead restoration has left.")
@click.option("--dry-run", is_flag=True, help="Check the target and show what would be done; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def command(
    store: str | None,
    backup_id: str | None,
    into: str | None,
    until: datetime | None,
    events: tuple[str, ...],
    region: str | None,
    state_dir: Path | None,
    *,
    again: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Restore a backup into an empty database, and prove that it is what it was.

    Every object is checked before anything is written. Until all of it is read back and compared, the database looks
    empty. In an arena of several regions nobody serves the region's players afterwards: docs/runbooks/restore.md.
    """
    progress = Progress()
    with explained(), contextlib.ExitStack() as stack:
        shelf = Shelf(objects(store, region, state_dir))
        manifest = shelf.manifest(_base(shelf, region, backup_id, until))
        target = _target(into, manifest.name.region, state_dir)
        pools = stack.enter_context(opened(target.uri))
        where = f"{target.database} of {target.region}" if into is None else target.database
        hand = MongoRestoreTarget(pools, target.database, where)
        restorer = Restorer(shelf, hand, system_clock, run=secrets.token_hex(8), told=progress.count)
        restorer.refuse(manifest, again=again)
        sources = [] if until is None else _sources(stack, shelf, manifest, until, events)
        if dry_run or not yes:
            click.echo("\n".join(_plan(manifest, where, until, sources)), err=not dry_run)
        if dry_run:
            return
        if not yes:
            require_yes()
        replay = Replay(sources, MongoReplay(pools, target.database, manifest.name.region), manifest.name.region)
        report = restorer.restore(manifest, replay if sources else None, until=until, again=again)
    progress.end()
    click.echo(json.dumps(asdict(report), indent=2, default=str) if as_json else "\n".join(_told(report, manifest)))


def _base(shelf: Shelf, region: str | None, backup_id: str | None, until: datetime | None) -> BackupName:
    """Raises ``click.ClickException``."""
    if backup_id is not None or until is None:
        return newest(shelf, region, backup_id)
    of = newest(shelf, region, None)
    for name in reversed(shelf.names(of.region, of.database)):
        # Its point is that of the last write before it was begun, however long before.
        if shelf.manifest(name).point.at <= until:
            return name
    raise click.ClickException(f"{shelf.where} has no backup of before {until:%F %T}")


def _target(into: str | None, region: str, state_dir: Path | None) -> RegionDatabase:
    if into is not None:
        database = database_in(into)
        if not database:
            # Not the address itself: it may hold a password.
            raise click.UsageError("--into: write mongodb://host/DATABASE")
        return RegionDatabase(region, into, database)
    found = next((one for one in named_databases([], state_dir) if one.region == region), None)
    if found is None:
        raise click.UsageError(f"{region} does not run here: say --into mongodb://host/DATABASE")
    return found


def _sources(
    stack: contextlib.ExitStack, shelf: Shelf, manifest: Manifest, until: datetime, given: Sequence[str]
) -> list[EventSource]:
    """Outboxes that tell what followed. Raises ``click.ClickException``."""
    if until < manifest.point.at:
        raise click.ClickException(f"backup {manifest.name.id} shows {manifest.point.at:%F %T}: choose an earlier one")
    if until - manifest.point.at > TOLD_FOR:
        raise click.ClickException(
            f"outboxes keep events for {KEPT.days} days: choose a backup of less than {TOLD_FOR.days} days before"
        )
    found: list[EventSource] = []
    if given:
        for one in named_databases(given, None, option="--events"):
            pools: Pools = stack.enter_context(opened(one.uri))
            found.append(DatabaseEvents(pools, one.database, f"the outbox of {one.region}"))
    elif (later := _first_after(shelf, manifest, until)) is not None:
        found.append(BackupEvents(shelf, later))
    if not found:
        raise click.ClickException(
            "nothing tells what followed the backup: there is no later one, so name databases whose outbox does, "
            "by --events REGION=mongodb://host/DATABASE"
        )
    return found


def _first_after(shelf: Shelf, manifest: Manifest, until: datetime) -> Manifest | None:
    """The first backup whose outbox has what was decided by then."""
    names = [name for name in shelf.names(manifest.name.region, manifest.name.database) if name > manifest.name]
    return next((found for found in map(shelf.manifest, names) if found.point.at > until), None)


def _plan(manifest: Manifest, where: str, until: datetime | None, sources: Sequence[EventSource]) -> Iterator[str]:
    yield f"restore {line(manifest)}"
    yield f"into {where}, which is empty"
    if until is not None:
        yield f"then go on to {until:%F %T} UTC by {', '.join(source.where for source in sources)}"
    if manifest.regions:
        yield f"in it nobody serves the players of {manifest.name.region}, until ./arena failover --return"


def _told(report: Restored, manifest: Manifest) -> Iterator[str]:
    yield (
        f"{report.where} is {report.backup}: {report.documents:,} documents in {report.collections} collections, "
        f"verified, in {report.seconds:.1f} s"
    )
    if report.replayed is not None:
        told = report.replayed
        yield f"and goes on to {report.at:%F %T} UTC: {told.applied:,} events applied, {told.known:,} known already"
    for name in report.unmade_indexes:
        yield f"not made: index {name}, which is none of the arena's"
    if report.fenced:
        region = manifest.name.region
        yield f"in it nobody serves the players of {region}: if the region is to use it, go on with"
        yield f"./arena replication verify --repair and ./arena failover --return {region} (docs/runbooks/restore.md)"
