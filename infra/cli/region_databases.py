"""The regions' databases, for commands that see them all: the running local cloud's, or named ones."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from chalicelib.clock import system_clock
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.region_hands import MongoRegionHand
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.errors import Unavailable
from infra.cli.local import LocalCloud

BUDGET_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class RegionDatabase:
    """Where one region's data is."""

    region: str
    uri: str
    database: str


def database_in(uri: str) -> str:
    """The database a MongoDB address names in its path; empty where it names none, or is no such address."""
    if not uri.startswith(("mongodb://", "mongodb+srv://")):
        return ""
    return uri.partition("://")[2].partition("/")[2].partition("?")[0]


def named_databases(given: Sequence[str], state_dir: Path | None, option: str = "--mongo") -> list[RegionDatabase]:
    """Of ``option``'s ``REGION=URI`` (the database stands in the URI's path), else of the running local cloud.

    In order of priority, the first first. Raises ``click.UsageError`` and ``click.ClickException``.
    """
    if not given:
        regions = LocalCloud.running(state_dir).status["regions"]
        return [RegionDatabase(name, entry["mongo"], entry["database"]) for name, entry in regions.items()]
    found = []
    for text in given:
        region, separator, uri = text.partition("=")
        database = database_in(uri)
        if not separator or not database:
            # Not the text itself: it holds a password.
            raise click.UsageError(f"{option} {region or '?'}: write REGION=mongodb://host/DATABASE")
        found.append(RegionDatabase(region, uri, database))
    return found


@contextlib.contextmanager
def opened_hands(databases: Sequence[RegionDatabase]) -> Iterator[Mapping[str, MongoRegionHand]]:
    """A hand on every database that answers."""
    with contextlib.ExitStack() as stack:
        hands = {}
        for one in databases:
            pools = Pools(one.uri, without_secondaries(ENVIRONMENT_POOLS))
            stack.callback(pools.close)
            operations = Operations(pools, one.database, budget_seconds=BUDGET_SECONDS)
            store = MongoStore(operations, Transactions(pools, budget_seconds=BUDGET_SECONDS))
            hand = MongoRegionHand(operations, store, system_clock, name=one.region)
            with contextlib.suppress(Unavailable):
                hand.roles()
                hands[one.region] = hand
        yield hands
