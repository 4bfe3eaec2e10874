"""What the battle benchmark compares with is the same battle."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from bench.battle_contestants import ArenaHandler, BareTransaction, Contestant, Place, recorded_writes
from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults

INSERTED = ("battles", "ledgerentries", "outbox")


@pytest.fixture
def place(mongo_uri: str, database: Database[dict[str, Any]]) -> Place:
    ensure_indexes(database)
    seed_defaults(database, system_clock())
    place = Place(0, mongo_uri, database.name)
    place.settle()
    return place


@pytest.fixture
def bare(place: Place) -> Iterator[BareTransaction]:
    bare = BareTransaction(place, recorded_writes(place))
    yield bare
    bare.close()


def left_by(database: Database[dict[str, Any]], contestant: Contestant, player: int) -> dict[str, list[list[str]]]:
    """The fields of every document that a battle of ``player`` adds."""
    for name in INSERTED:
        database[name].delete_many({})
    contestant.fight(contestant.prepare(player))
    return {name: [list(found) for found in database[name].find(sort=[("_id", 1)])] for name in INSERTED}


def test_the_bare_transaction_writes_what_a_battle_does(
    place: Place, bare: BareTransaction, database: Database[dict[str, Any]]
) -> None:
    """Two reads, six writes and a commit leave documents of the same fields, and the sums they must."""
    arena = ArenaHandler(place)
    fighter, other, *_ = place.players
    place.rest()
    fought = left_by(database, arena, fighter)
    arena.close()
    assert left_by(database, bare, other) == fought
    assert all(fought.values())
    assert bare.commands() == 9
    assert database["battles"].distinct("ownerTelegramId") == [str(other)]
    player = database["users"].find_one({"telegramId": str(other)})
    assert player is not None
    assert player["totals"]["all"]["battles"] == 1
