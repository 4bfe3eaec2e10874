"""Who serves for whom, moving players, and a region seen from outside."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chalicelib.arena.homes import Homes
from chalicelib.arena.ports import Document
from chalicelib.data.catch_ups import COLLECTION as CATCH_UPS
from chalicelib.data.catch_ups import MongoCatchUps
from chalicelib.data.moves import MongoMoves, MongoMoveSnapshot, MongoRegionRoles
from chalicelib.data.region_hands import MongoRegionHand
from chalicelib.replication.moves import Moved, Moves
from chalicelib.replication.ports import APPLIED, Event
from chalicelib.replication.regions import COLLECTION
from tests.integration.explained.registry import covers
from tests.integration.explained.town import MAIN, Town, inhabits, oid, player_id
from tests.worlds import NOON

SUMMED = "sums up all of a player's: it is done when one moves"


@inhabits(COLLECTION, 3, small=True)
def _role(number: int) -> Document:
    return {"_id": f"region-{number}", "servedBy": f"region-{number}", "epoch": 1}


@covers(MongoRegionRoles.all)
def _(town: Town, all: Callable[..., Any]) -> None:
    assert len(all()) == 3


@covers(MongoRegionHand.roles)
def _(town: Town, roles: Callable[..., Any]) -> None:
    assert len(roles()) == 3


@covers(MongoRegionHand.write_role)
def _(town: Town, write_role: Callable[..., Any]) -> None:
    assert write_role("region-1", None, 2, "mine", NOON)
    assert not write_role("region-1", None, 2, "another's", NOON)


@covers(MongoRegionHand.introduce)
def _(town: Town, introduce: Callable[..., Any]) -> None:
    introduce("region-2", "https://two")


@covers(MongoRegionHand.told)
def _(town: Town, told: Callable[..., Any]) -> None:
    first = told(None, 100)
    assert told(first[-1], 100)[0] > first[-1]


@covers(MongoRegionHand.events)
def _(town: Town, events: Callable[..., Any]) -> None:
    assert len(events([oid("outbox", number) for number in range(10)])) == 10


@covers(MongoRegionHand.lacking)
def _(town: Town, lacking: Callable[..., Any]) -> None:
    known, strange = oid(APPLIED, 3), oid("events", 77)
    assert lacking([known, strange]) == {strange}


@covers(MongoRegionHand.apply)
def _(town: Town, apply: Callable[..., Any]) -> None:
    event_id = oid("events", 2)
    change: Document = {"collection": "users", "key": player_id(6), "set": {"bio": "x"}, "entries": {}, "base": {}}
    version = f"{int(NOON.timestamp() * 1000):012x}0000e"
    event = Event(event_id=event_id, source_region="eu-west-1", version=version, occurred_at=NOON, changes=[change])
    assert apply([event]) == []


@inhabits(CATCH_UPS, 2, small=True)
def _catch_up(number: int) -> Document:
    return {"_id": f"region-{number}", "places": {"region-2": number}, "at": NOON}


@covers(MongoCatchUps.load)
def _(town: Town, load: Callable[..., Any]) -> None:
    assert load("region-1", NOON) == {"region-2": 1}
    assert load("region-1", NOON + timedelta(seconds=1)) == {}


@covers(MongoCatchUps.save)
def _(town: Town, save: Callable[..., Any]) -> None:
    save("region-0", {"region-1": 7}, NOON)
    assert MongoCatchUps(town.operations).load("region-0", NOON) == {"region-1": 7}


@covers(MongoMoveSnapshot.roles)
def _(town: Town, roles: Callable[..., Any]) -> None:
    assert roles()


@covers(MongoMoveSnapshot.player)
def _(town: Town, player: Callable[..., Any]) -> None:
    assert player(MAIN)


@covers(MongoMoveSnapshot.proof, reads_on=SUMMED)
def _(town: Town, proof: Callable[..., Any]) -> None:
    assert proof(MAIN)["battles"] > 0


@covers(MongoMoves.transact, reads_on=SUMMED)
def _(town: Town, transact: Callable[..., Any]) -> None:
    moves: MongoMoves = transact.__self__  # type: ignore[attr-defined]  # a bound method
    moved = Moves(moves, town.world.clock, lambda _: town_homes(), stripe=0).move(player_id(7), "region-1")
    assert moved == Moved(player_id(7), "region-1", 1, changed=True)


def town_homes() -> Homes:
    return Homes(region="region-0", first="region-0", serving={f"region-{n}": f"region-{n}" for n in range(3)})
