"""``./arena leaderboard``: rebuilds, verifies and recomputes what leaderboards are read from."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from chalicelib.arena.leaderboard_upkeep import LeaderboardUpkeep
from chalicelib.arena.standings_audit import StandingsAudit, compare
from chalicelib.cache.door import PATIENT, RedisDoor
from chalicelib.cache.leaderboard_sets import RedisRankSets
from chalicelib.clock import system_clock
from chalicelib.data.catalogue import MongoCatalogue
from chalicelib.data.leaderboard_upkeep import MongoStandingsBooks, MongoStandingsPages
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.settings import split_urls
from infra.cli.local import LocalCloud

BUDGET_SECONDS = 60.0
"""For one page; a person waits for the command, not a player."""


@dataclass(frozen=True)
class Tools:
    """What works on one region's database and Redis."""

    region: str
    upkeep: LeaderboardUpkeep
    pages: MongoStandingsPages
    sets: RedisRankSets | None
    audit: StandingsAudit

    def needed_sets(self) -> RedisRankSets:
        if self.sets is None:
            raise click.ClickException("no Redis is configured here: leaderboards are read from MongoDB alone")
        return self.sets


@contextmanager
def _tools(region: str, uri: str, database: str, redis_url: str | None) -> Iterator[Tools]:
    pools = Pools(uri, without_secondaries(ENVIRONMENT_POOLS))
    door = RedisDoor.from_urls(split_urls(redis_url), limits=PATIENT) if redis_url else None
    sets = None if door is None else RedisRankSets(door, database, system_clock)
    try:
        operations = Operations(pools, database, budget_seconds=BUDGET_SECONDS)
        pages, catalogue = MongoStandingsPages(operations), MongoCatalogue(operations)
        yield Tools(
            region,
            LeaderboardUpkeep(pages, catalogue, system_clock, sets=sets),
            pages,
            sets,
            StandingsAudit(MongoStandingsBooks(operations), catalogue, system_clock),
        )
    finally:
        if door is not None:
            door.close()
        pools.close()


@contextmanager
def _counter(what: str) -> Iterator[Callable[[int], None]]:
    """Tells a person at a terminal how many players were looked at."""
    seen = 0

    def count(more: int) -> None:
        nonlocal seen
        seen += more
        if sys.stderr.isatty():
            click.echo(f"\r{what}: {seen:,} players", err=True, nl=False)

    yield count
    if sys.stderr.isatty():
        click.echo(err=True)


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--region", "regions", multiple=True, help="One of the local cloud's regions; all by default."),
        click.option("--mongo-uri", help="A database elsewhere (with --database), instead of the local cloud's."),
        click.option("--database", help="Its name, with --mongo-uri."),
        click.option("--redis-url", help="The Redis beside it (of a cluster: its nodes, comma-separated)."),
        click.option("--state-dir", type=click.Path(path_type=Path), help="The local cloud's state directory."),
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    ):
        function = option(function)
    return function


def _targets(
    regions: tuple[str, ...], mongo_uri: str | None, database: str | None, redis_url: str | None, state_dir: Path | None
) -> list[tuple[str, str, str, str | None]]:
    """(name, Mongo URI, database, Redis URL) of what to work on."""
    if (mongo_uri is None) != (database is None):
        raise click.UsageError("--mongo-uri and --database go together")
    if mongo_uri is not None and database is not None:
        return [(database, mongo_uri, database, redis_url)]
    local = LocalCloud.running(state_dir)
    found = [(name, local.region(name)) for name in regions or local.regions]
    return [(name, entry["mongo"], entry["database"], local.redis_url) for name, entry in found]


Work = Callable[[Tools], tuple[list[dict[str, Any]], bool]]
"""Gives its reports, and whether all is well."""


def _each(work: Work, *, as_json: bool, **where: Any) -> None:
    reports: list[dict[str, Any]] = []
    well = True
    for target in _targets(**where):
        with _tools(*target) as tools:
            found, fine = work(tools)
        reports += [{"region": tools.region, **report} for report in found]
        well = well and fine
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    else:
        for report in reports:
            click.echo(", ".join(f"{name} {value}" for name, value in report.items()))
    if not well:
        raise SystemExit(1)


@click.group()
def command() -> None:
    """Rebuild, verify or recompute what leaderboards are read from."""


@command.command()
@_options
def rebuild(as_json: bool, **where: Any) -> None:
    """Load the sorted sets in Redis anew from MongoDB.

    Meanwhile each board is read from MongoDB. Safe beside a running arena.
    """

    def work(tools: Tools) -> tuple[list[dict[str, Any]], bool]:
        sets = tools.needed_sets()
        reports = []
        for board in tools.upkeep.boards():
            with _counter(f"{board[0] or 'all-time'} {board[1]}") as count:
                complete = tools.upkeep.rebuild(board, count)
            reports.append(
                {"season": board[0], "board": board[1], "complete": complete, "players": sets.size(board, "score")}
            )
        return reports, all(report["complete"] for report in reports)

    _each(work, as_json=as_json, **where)


@command.command()
@_options
def verify(as_json: bool, **where: Any) -> None:
    """Compare players' standings with their battles, and Redis with the standings.

    Changes nothing; exits with 1 when anything differs. While battles are fought, a value or two may be on its way.
    """

    def work(tools: Tools) -> tuple[list[dict[str, Any]], bool]:
        with _counter("standings and battles") as count:
            audit = tools.audit.run(mend=False, progress=count)
        reports: list[dict[str, Any]] = [asdict(audit)]
        fine = audit.wrong == 0
        for board in tools.upkeep.boards() if tools.sets is not None else ():
            with _counter(f"{board[0] or 'all-time'} {board[1]}") as count:
                found = compare(tools.needed_sets(), tools.pages, board, count)
            reports.append(asdict(found))
            fine = fine and found.right
        return reports, fine

    _each(work, as_json=as_json, **where)


@command.command()
@_options
def recompute(as_json: bool, **where: Any) -> None:
    """Give every player the standings their battles add up to.

    For a database that comes from the running game, which keeps none. Safe beside a running arena.
    """

    def work(tools: Tools) -> tuple[list[dict[str, Any]], bool]:
        with _counter("standings from battles") as count:
            audit = tools.audit.run(mend=True, progress=count)
        return [asdict(audit)], audit.mended == audit.wrong

    _each(work, as_json=as_json, **where)
