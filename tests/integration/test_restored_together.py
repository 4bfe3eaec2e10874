"""Two regions are restored together, by the commands of runbook and handbook, and go on from there: at one time of
before, or as they are, in another tier's databases."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from bson import ObjectId
from click.testing import CliRunner
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.clock import system_clock
from chalicelib.data.moves import MongoMoves
from chalicelib.data.pools import Pools
from chalicelib.errors import Unavailable
from chalicelib.replication.moves import Moves
from infra.cli.backup import command as backup
from infra.cli.failover import command as failover
from infra.cli.replication import command as replication
from infra.cli.restore import command as restore
from tests.backup_worlds import whole
from tests.integration.test_failover import FIRST, SECOND, Region, assert_exact, region, tell

BOTH = (FIRST, SECOND)
MOVED = "1"
"""A player of the second region; all others are the first's."""
Databases = dict[str, Database[Document]]


@pytest.fixture
def sites(mongo_client: MongoClient[Document]) -> Iterator[tuple[Databases, Databases]]:
    """The regions' databases, and empty ones."""
    old, new = ({name: mongo_client[f"test_{ObjectId()}"] for name in BOTH} for _ in range(2))
    yield old, new
    for database in (*old.values(), *new.values()):
        mongo_client.drop_database(database.name)


class Operator:
    """Has the store, and a shell."""

    def __init__(self, uri: str, store: Path) -> None:
        self._uri = uri
        self._store = str(store)

    def take_backup(self, name: str, of: Databases) -> None:
        self._run(backup, *self.databases("--mongo", of), "--region", name, "--to", self._store)

    def restore(self, name: str, into: Database[Document], *further: str) -> str:
        given = ("--from", self._store, "--region", name, "--into", self._address(into))
        return self._run(restore, *given, *further, "--yes")

    def verify(self, of: Databases) -> str:
        return self._run(replication, "verify", *self.databases("--mongo", of), "--grace", "0")

    def give_back(self, name: str, of: Databases) -> str:
        return self._run(failover, "--return", name, *self.databases("--mongo", of), "--yes")

    def databases(self, option: str, of: Databases) -> list[str]:
        return [part for name, one in of.items() for part in (option, f"{name}={self._address(one)}")]

    def _address(self, database: Database[Document]) -> str:
        base, _, options = self._uri.partition("/?")
        return f"{base}/{database.name}?{options}"

    def _run(self, command: click.Command, *arguments: str) -> str:
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code == 0, done.output
        return done.output


def now() -> datetime:
    """To the millisecond, as events have it; what is done afterwards is later."""
    found = system_clock()
    found = found.replace(microsecond=found.microsecond // 1000 * 1000)
    while system_clock() - found < timedelta(milliseconds=2):
        pass
    return found


def begun(databases: Databases, uri: str, opened: list[Pools]) -> dict[str, Region]:
    """Both with players of their own."""
    regions = {name: region(name, databases[name], uri, opened) for name in BOTH}
    moves = {name: Moves(MongoMoves(one.store), system_clock, one.homes, stripe=0) for name, one in regions.items()}
    tell(regions)
    moves[FIRST].move(MOVED, SECOND)
    tell(regions)
    assert moves[SECOND].settle(MOVED)
    return regions


def trained(one: Region) -> set[Any]:
    return {row["requestId"] for row in one.database.ledgerentries.find({"direction": "debit"})}


def test_both_are_as_they_were_and_agree(
    sites: tuple[Databases, Databases], mongo_uri: str, opened: list[Pools], tmp_path: Path
) -> None:
    old, new = sites
    operator = Operator(mongo_uri, tmp_path / "store")
    regions = begun(old, mongo_uri, opened)
    # Backups are an hour's, each region's its own: what is between them comes from the outboxes.
    regions[FIRST].train("0", "before the first")
    operator.take_backup(FIRST, old)
    regions[SECOND].train(MOVED, "before the second")
    tell(regions)
    regions[FIRST].train("0", "between")
    operator.take_backup(SECOND, old)
    regions[SECOND].train(MOVED, "told")
    tell(regions)
    regions[FIRST].train("2", "not told yet")
    until = now()
    regions[FIRST].train("3", "wrong")
    tell(regions)
    regions[SECOND].train(MOVED, "wrong, too, and not told")

    for name in BOTH:
        further = ("--until", until.isoformat(), *operator.databases("--events", old))
        assert "nobody serves the players of" in operator.restore(name, new[name], *further)
    operator.verify(new)
    restored = {name: region(name, new[name], mongo_uri, opened, restored=True) for name in BOTH}
    with pytest.raises(Unavailable, match="nobody serves the players of us-east-1"):
        restored[FIRST].train("0", "too early")
    for name in BOTH:
        operator.give_back(name, new)
    kept = {"before the first", "before the second", "between", "told", "not told yet"}
    assert [trained(one) for one in restored.values()] == [kept] * 2

    restored[FIRST].train("3", "after")
    restored[SECOND].train(MOVED, "after, too")
    tell(restored)
    operator.verify(new)
    for one in restored.values():
        assert_exact(one, [("3", "after"), (MOVED, "after, too")])
        assert trained(one) == {*kept, "after", "after, too"}


def test_both_move_to_databases_of_another_tier(
    sites: tuple[Databases, Databases], mongo_uri: str, opened: list[Pools], tmp_path: Path
) -> None:
    """Nobody plays meanwhile and all is told: each is what it was, and there is nothing to repair."""
    old, new = sites
    operator = Operator(mongo_uri, tmp_path / "store")
    regions = begun(old, mongo_uri, opened)
    regions[FIRST].train("0", "before")
    regions[SECOND].train(MOVED, "before, too")
    tell(regions)
    for name in BOTH:
        operator.take_backup(name, old)
        operator.restore(name, new[name])
        assert whole(new[name]) == whole(old[name])
    operator.verify(new)
    for name in BOTH:
        operator.give_back(name, new)

    restored = {name: region(name, new[name], mongo_uri, opened, restored=True) for name in BOTH}
    restored[FIRST].train("0", "after")
    restored[SECOND].train(MOVED, "after, too")
    tell(restored)
    operator.verify(new)
    acknowledged = [("0", "before"), (MOVED, "before, too"), ("0", "after"), (MOVED, "after, too")]
    for one in restored.values():
        assert_exact(one, acknowledged)
