"""``./arena backup``: takes one by hand; lists, shows and verifies those that are there."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from chalicelib.backup.manifest import Manifest, encoded
from chalicelib.backup.naming import TOKEN_BYTES
from chalicelib.backup.shelf import Shelf
from chalicelib.backup.taking import Backups
from chalicelib.clock import system_clock
from chalicelib.data.snapshots import MongoSnapshotSource
from infra.cli.backup_options import common, explained, line, newest, objects, opened, site
from infra.cli.progress import Progress

_from = click.option("--from", "store", metavar="STORE", help="s3://BUCKET[/PREFIX], or a directory.")
_backup = click.option("--backup", "backup_id", metavar="ID", help="Default: the newest.")


@click.group(invoke_without_command=True)
@click.option("--to", "store", metavar="STORE", help="s3://BUCKET[/PREFIX], or a directory. Default: the region's.")
@click.option("--mongo", "given", multiple=True, metavar="REGION=URI", help="The region's database.")
@common
@click.pass_context
def command(
    context: click.Context,
    store: str | None,
    given: tuple[str, ...],
    region: str | None,
    state_dir: Path | None,
    *,
    as_json: bool,
) -> None:
    """Take a backup of a region's database, or look at those there are. Safe beside a running arena.

    It shows one point of the database's time, is compressed, and every object has a digest. Old ones are deleted by the
    scheduled run only. docs/backup.md says what is in it.
    """
    if context.invoked_subcommand is not None:
        return
    where = site(region, given, state_dir)
    progress = Progress()
    with explained(), opened(where.database.uri) as pools:
        backups = Backups(
            MongoSnapshotSource(pools, where.database.database),
            objects(store, where.database.region, state_dir),
            system_clock,
            lambda: secrets.token_hex(TOKEN_BYTES),
            region=where.database.region,
            database=where.database.database,
            regions=where.regions,
        )
        # As long as the server shows the point: a person may interrupt it.
        manifest = backups.take(lambda: True, progress.count)
    progress.end()
    click.echo(json.dumps(_told(manifest), indent=2) if as_json else line(manifest))


@command.command("list")
@_from
@common
def list_command(store: str | None, region: str | None, state_dir: Path | None, *, as_json: bool) -> None:
    """List whole backups, the oldest first."""
    with explained():
        shelf = Shelf(objects(store, region, state_dir))
        found = [shelf.manifest(name) for name in shelf.names(region)]
    if as_json:
        click.echo(json.dumps([_told(manifest) for manifest in found], indent=2))
        return
    click.echo("\n".join(map(line, found)) or f"no backups in {shelf.where}")


@command.command("show")
@_from
@_backup
@common
def show_command(
    store: str | None, backup_id: str | None, region: str | None, state_dir: Path | None, *, as_json: bool
) -> None:
    """Show what is in one."""
    with explained():
        shelf = Shelf(objects(store, region, state_dir))
        manifest = shelf.manifest(newest(shelf, region, backup_id))
    click.echo(encoded(manifest).decode() if as_json else "\n".join(_lines(manifest)))


@command.command("verify")
@_from
@_backup
@common
def verify_command(
    store: str | None, backup_id: str | None, region: str | None, state_dir: Path | None, *, as_json: bool
) -> None:
    """Read every object of one and compare it with the manifest; exits with 1, naming the object, if it differs."""
    progress = Progress()
    with explained():
        shelf = Shelf(objects(store, region, state_dir))
        manifest = shelf.manifest(newest(shelf, region, backup_id))
        shelf.check(manifest, progress.count)
    progress.end()
    click.echo(json.dumps(_told(manifest), indent=2) if as_json else f"whole: {line(manifest)}")


def _told(manifest: Manifest) -> dict[str, Any]:
    return {
        "backup": manifest.name.id,
        "region": manifest.name.region,
        "database": manifest.name.database,
        "at": manifest.point.at.isoformat(),
        "documents": manifest.documents,
        "bytes": manifest.bytes,
        "stored": manifest.stored,
        "objects": len(manifest.keys) + 1,
    }


def _lines(manifest: Manifest) -> Iterator[str]:
    yield line(manifest)
    seconds = (manifest.finished_at - manifest.started_at).total_seconds()
    yield f"point {manifest.point.seconds}.{manifest.point.increment}, taken in {seconds:.1f} s"
    for record in manifest.collections:
        yield f"  {record.name:18} {record.documents:10,}  {len(record.parts):4} parts  {record.sha256[:16]}"
    yield f"left out: {', '.join(manifest.left_out) or 'nothing'}"
    if manifest.outbox:
        yield f"newest event {manifest.outbox['id']} of {manifest.outbox['occurredAt']}"
