"""What regions compare, repair and tell of themselves."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bson import ObjectId

from chalicelib.arena.ports import Document
from chalicelib.data.region_books import MongoRegionBooks, MongoRepairSnapshot
from chalicelib.data.region_log import MongoRegionLog
from chalicelib.replication.content import key_of, place_field
from chalicelib.replication.ports import APPLIED, CONFLICTS
from chalicelib.replication.repair import Repair
from chalicelib.replication.rules import DOCUMENTS, FACTS
from chalicelib.replication.verify import COMPARED
from tests.integration.explained.registry import covers
from tests.integration.explained.scenarios_follow_ups import WAITING
from tests.integration.explained.town import MAIN, Town, document_of, inhabits, moment, oid, player_id
from tests.worlds import NOON

SOME = [player_id(700), MAIN]
SUMS = "sums over all rows of the players asked for"


@inhabits(CONFLICTS, 1500)
def _conflict(number: int) -> Document:
    told = {"version": "", "value": number}
    return {
        "collection": "users",
        "key": "7",
        "field": "bio",
        "loser": told,
        "winner": told,
        "detectedAt": moment(number),
    }


def some_key(town: Town, collection: str) -> tuple[Any, ...]:
    fields = FACTS[collection].identity if collection in FACTS else (DOCUMENTS[collection].key,)
    known = town.database[collection].find_one({field: {"$exists": True} for field in fields})
    assert known is not None
    key = key_of(collection, known)
    assert key is not None
    return key


@covers(MongoRegionBooks.page, reads_on=SUMS)
def _(town: Town, page: Callable[..., Any]) -> None:
    """Of everything compared: from the beginning, and from somewhere on, whatever places are."""
    for collection in COMPARED:
        first, last = page(collection, None, 10)
        assert first, collection
        if last is not None:
            page(collection, last, 10)
        page(collection, "zzz" if place_field(collection) == "_id" else last, 10)


@covers(MongoRegionBooks.named)
def _(town: Town, named: Callable[..., Any]) -> None:
    for collection in (*DOCUMENTS, *FACTS):
        assert len(named(collection, [some_key(town, collection)])) == 1


@covers(MongoRegionBooks.identified)
def _(town: Town, identified: Callable[..., Any]) -> None:
    assert len(identified("ledgerentries", [oid("ledgerentries", number) for number in range(5)])) == 5


@covers(MongoRegionBooks.money, reads_on=SUMS)
def _(town: Town, money: Callable[..., Any]) -> None:
    assert money(SOME)[MAIN]["sums"]


@covers(MongoRegionBooks.damage, reads_on="sums over all damages of a boss")
def _(town: Town, damage: Callable[..., Any]) -> None:
    assert damage(oid("globalbosses", 3)) > 0


@covers(MongoRegionBooks.told)
def _(town: Town, told: Callable[..., Any]) -> None:
    assert len(told(NOON - timedelta(hours=1), WAITING)) > 100


@covers(MongoRegionBooks.applied)
def _(town: Town, applied: Callable[..., Any]) -> None:
    assert len(applied([oid(APPLIED, number) for number in range(10)])) == 10


@covers(MongoRegionBooks.wrong_standings, reads_on="sums over all battles of the players asked for")
def _(town: Town, wrong_standings: Callable[..., Any]) -> None:
    assert wrong_standings(player_id(1500))[0]


@covers(MongoRegionBooks.standings_of, reads_on="sums over all battles of the players asked for")
def _(town: Town, standings_of: Callable[..., Any]) -> None:
    standings_of(SOME)


@covers(MongoRegionBooks.mend_standings, reads_on="sums over all battles of the players asked for")
def _(town: Town, mend_standings: Callable[..., Any]) -> None:
    assert mend_standings([player_id(701)]) == []


@covers(MongoRegionBooks.make, reads_on=SUMS)
def _(town: Town, make: Callable[..., Any]) -> None:
    """A row that is missing and pays, a document that differs, one that is missing, with what lost."""
    row = {**document_of(town, "ledgerentries", _id=oid("ledgerentries", 11)), "_id": ObjectId(), "sourceId": "healed"}
    player = row["telegramId"]
    offsets = {"neurBalance": 5}
    key = key_of("ledgerentries", row)
    assert key is not None
    assert make(
        Repair(
            region="",
            collection="ledgerentries",
            key=key,
            action="insert",
            why="missing",
            after=row,
            player=player,
            offsets=offsets,
        )
    )
    guild = document_of(town, "guilds", _id=oid("guilds", 9))
    healed = {**guild, "active": not guild["active"]}
    lost = ({"_id": "verify:1", "detectedAt": NOON},)
    change = Repair(
        region="",
        collection="guilds",
        key=(guild["_id"],),
        action="change",
        why="minority",
        before=guild,
        after=healed,
        fields=("active",),
        conflicts=lost,
    )
    assert make(change)
    assert not make(change)


@covers(MongoRegionBooks.new_id, silent="makes one up")
def _(town: Town, new_id: Callable[..., Any]) -> None:
    assert new_id() != new_id()


@covers(MongoRepairSnapshot.stored)
def _(town: Town, stored: Callable[..., Any]) -> None:
    for collection in (*DOCUMENTS, *FACTS):
        fields = FACTS[collection].identity if collection in FACTS else (DOCUMENTS[collection].key,)
        assert stored(collection, dict(zip(fields, some_key(town, collection), strict=True)))


@covers(MongoRepairSnapshot.money, reads_on=SUMS)
def _(town: Town, money: Callable[..., Any]) -> None:
    assert money(SOME)[MAIN]["balances"]


@covers(MongoRegionLog.applied)
def _(town: Town, applied: Callable[..., Any]) -> None:
    assert len(applied(100)) == 100


@covers(MongoRegionLog.conflicts)
def _(town: Town, conflicts: Callable[..., Any]) -> None:
    newest = conflicts(10)
    assert [one["detectedAt"] for one in newest] == sorted((one["detectedAt"] for one in newest), reverse=True)


@covers(MongoRegionLog.conflicts_since, reads_on="counts, up to a bound")
def _(town: Town, conflicts_since: Callable[..., Any]) -> None:
    newest = MongoRegionLog(town.operations).conflicts(10)
    assert conflicts_since(newest[-1]["detectedAt"], 1000) >= 10
    assert conflicts_since(newest[-1]["detectedAt"], 3) == 3


@covers(MongoRegionLog.waiting, reads_on="counts what waits, up to a bound")
def _(town: Town, waiting: Callable[..., Any]) -> None:
    assert waiting(WAITING[0]).events > 1000
