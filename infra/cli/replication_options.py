"""What the commands of ``./arena replication`` have in common: which databases they look at."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from chalicelib.clock import system_clock
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.region_books import MongoRegionBooks
from chalicelib.data.region_log import MongoRegionLog
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from infra.cli.region_databases import RegionDatabase, named_databases

BUDGET_SECONDS = 60.0
"""For one page or one transaction; a person waits for the command, not a player."""


def options(function: Callable[..., None]) -> Callable[..., None]:
    """``given``, ``regions``, ``state_dir`` and ``as_json``."""
    for option in (
        click.option(
            "--mongo", "given", multiple=True, metavar="REGION=URI", help="A region's database, in order of priority."
        ),
        click.option("--regions", help="Some of the regions only: us-east-1,eu-west-1"),
        click.option("--state-dir", type=click.Path(path_type=Path), help="The local cloud's state directory."),
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    ):
        function = option(function)
    return function


def chosen(
    given: Sequence[str], regions: str | None, state_dir: Path | None, *, at_least: int = 1
) -> list[RegionDatabase]:
    """Raises ``click.UsageError`` for regions that are not there, or too few."""
    databases = named_databases(given, state_dir)
    there = [one.region for one in databases]
    wanted = there if regions is None else [name.strip() for name in regions.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise click.UsageError(f"--regions {', '.join(unknown)}: there are {', '.join(there)}")
    found = [one for one in databases if one.region in wanted]
    if len(found) < at_least:
        raise click.UsageError(f"it takes {at_least} regions, found: {', '.join(wanted) or 'none'}")
    return found


@contextlib.contextmanager
def opened_books(databases: Sequence[RegionDatabase]) -> Iterator[list[MongoRegionBooks]]:
    """To compare and repair."""
    with _operations(databases) as opened:
        yield [
            MongoRegionBooks(
                operations,
                MongoStore(operations, Transactions(operations.pools, budget_seconds=BUDGET_SECONDS)),
                system_clock,
                region=one.region,
            )
            for one, operations in zip(databases, opened, strict=True)
        ]


@contextlib.contextmanager
def opened_logs(databases: Sequence[RegionDatabase]) -> Iterator[dict[str, MongoRegionLog]]:
    """To look at."""
    with _operations(databases) as opened:
        yield {one.region: MongoRegionLog(operations) for one, operations in zip(databases, opened, strict=True)}


@contextlib.contextmanager
def _operations(databases: Sequence[RegionDatabase]) -> Iterator[list[Operations]]:
    with contextlib.ExitStack() as stack:
        opened = []
        for one in databases:
            pools = Pools(one.uri, without_secondaries(ENVIRONMENT_POOLS))
            stack.callback(pools.close)
            opened.append(Operations(pools, one.database, budget_seconds=BUDGET_SECONDS))
        yield opened
