"""Deciding a batch of events: what is applied, in which order, what is remembered, what is refused."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.arena.ports import Document, Insert, Update
from chalicelib.replication.applying import REMEMBERED, TooOld, decide
from chalicelib.replication.ports import APPLIED, CONFLICTS, Event
from chalicelib.replication.versions import next_version
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_replica import MemoryReplicaSnapshot
from tests.worlds import NOON

WEEK = timedelta(days=7)


def event(name: str, seconds: int, *changes: Mapping[str, Any], rank: int = 1, **fields: Any) -> Event:
    version = next_version(NOON + timedelta(seconds=seconds), (), rank)
    basics = {"event_id": name, "source_region": f"r{rank}", "version": version, "occurred_at": NOON}
    return Event(**{**basics, "changes": changes, **fields})


def profile(**fields: Any) -> dict[str, Any]:
    return {"collection": "users", "key": "7", "set": fields, "entries": {}, "base": dict.fromkeys(fields, "")}


def guild(name: str, **fields: Any) -> dict[str, Any]:
    begun = {"collection": "guilds", "key": name, "id": name, "new": True, "entries": {}, "base": {}, "begin": {}}
    return {**begun, "set": {"name": name, **fields}}


class Database:
    def __init__(self) -> None:
        self.memory = MemoryDatabase()

    def apply(self, events: Sequence[Event], seconds: float = 0) -> list[str]:
        now = NOON + timedelta(seconds=seconds)
        outcome = decide(events, MemoryReplicaSnapshot(self.memory.now()), now)
        if outcome.writes:
            self.memory.commit(outcome.writes)
        return [applied.fate for applied in outcome.result]

    def all(self, collection: str) -> list[Document]:
        return self.memory.now().find(collection)


def test_fates_are_given_in_the_order_of_the_events() -> None:
    """Which are applied in the order of versions: here the second is what the first rests on."""
    joins = {"collection": "guilds", "key": "g", "set": {"bio": "b"}, "entries": {}, "base": {"bio": ""}}
    missing = {**joins, "key": "x"}
    events = [
        event("late", 2, joins),
        event("early", 3, missing),
        event("first", 1, guild("g")),
        event("late", 2, joins),
    ]
    database = Database()
    assert database.apply(events) == ["applied", "early", "applied", "duplicate"]
    assert database.all("guilds")[0]["bio"] == "b"
    assert {row["_id"] for row in database.all(APPLIED)} == {"first", "late"}


def test_how_long_it_took_and_what_it_was_is_told() -> None:
    (applied,) = decide(
        [event("e", 0, profile(a=1), guild("g"))],
        MemoryReplicaSnapshot(MemoryDatabase().now()),
        NOON + timedelta(seconds=3),
    ).result
    assert (applied.lag_seconds, applied.source_region) == (3.0, "r1")
    assert applied.collections == {"users", "guilds"}


def test_nothing_new_writes_nothing() -> None:
    database = Database()
    database.apply([event("e", 0, profile(a=1))])
    outcome = decide([event("e", 0, profile(a=2))], MemoryReplicaSnapshot(database.memory.now()), NOON)
    assert outcome.writes == ()


def test_what_nobody_remembers_is_refused() -> None:
    """To the second; what is remembered outlives what is accepted by a day."""
    database, known = Database(), event("e", 0, profile(a=1))
    assert database.apply([known], REMEMBERED.total_seconds()) == ["applied"]
    assert database.all(APPLIED)[0]["expiresAt"] == NOON + REMEMBERED + timedelta(days=1)
    with pytest.raises(TooOld, match="e: older than 35 days"):
        database.apply([known], REMEMBERED.total_seconds() + 1)


def test_events_of_one_batch_build_on_each_other() -> None:
    """One document, changed by three: one write, and who lost within the batch is on record."""
    events = [
        event("a", 1, profile(name="a")),
        event("b", 2, profile(name="b"), rank=2),
        event("c", 3, profile(bio="c")),
    ]
    outcome = decide(events, MemoryReplicaSnapshot(MemoryDatabase().now()), NOON)
    users = [write for write in outcome.writes if write.collection == "users"]
    assert len(users) == 1
    assert [write.collection for write in outcome.writes] == [APPLIED, "users", CONFLICTS]


def test_three_guilds_of_one_name_within_a_batch() -> None:
    """The first keeps it, whoever comes first; nothing is written that the unique index would refuse."""
    database = Database()
    change = {"bio": "x"}
    three = [
        event(key, at, {**guild("N", **change), "key": key, "id": key}) for key, at in (("c", 3), ("a", 1), ("b", 2))
    ]
    assert database.apply(three) == ["applied"] * 3
    assert {row["_id"]: row["name"] for row in database.all("guilds")} == {"a": "N", "b": "N (b)", "c": "N (c)"}
    assert {row["key"] for row in database.all(CONFLICTS)} == {"b", "c"}


def test_a_name_is_given_up_before_it_is_taken() -> None:
    """The stored guild took the name later: it is renamed before the other is added."""
    database = Database()
    database.apply([event("late", 9, {**guild("N"), "key": "late", "id": "late"})])
    outcome = decide(
        [event("first", 1, {**guild("N"), "key": "first", "id": "first"})],
        MemoryReplicaSnapshot(database.memory.now()),
        NOON,
    )
    kinds = [type(write) for write in outcome.writes if write.collection == "guilds"]
    assert kinds == [Update, Insert]


def test_nothing_is_written_of_what_does_not_change() -> None:
    """A change that lost, of a document nothing else happens to: only its stamp is new."""
    database = Database()
    database.apply([event("b", 2, profile(name="b"), rank=2)])
    before = database.all("users")[0]
    database.apply([event("a", 1, profile(name="a"))])
    after = database.all("users")[0]
    assert {name for name in after if after[name] != before[name]} == {"_versions"}


def fact(reference: str, amount: int, seconds: int, **fields: Any) -> Document:
    row = {"telegramId": "7", "currency": "NEUR", "direction": "credit", "amount": amount, "reason": "r"}
    named = {"sourceType": "t", "sourceId": "s", "createdAt": NOON + timedelta(seconds=seconds)}
    return {"_id": reference, **row, **named, **fields}


def rows(*facts: Document) -> dict[str, Any]:
    return {"collection": "ledgerentries", "facts": list(facts)}


@pytest.mark.parametrize("swapped", [False, True])
def test_of_facts_made_at_one_moment_all_regions_choose_the_same(swapped: bool) -> None:
    """Though the wire gives fields another order: one of the two has its fields as they were written."""
    one = fact("x", 5, 0, meta={"b": 1, "a": {"d": 1, "c": 2}})
    two = fact("y", 5, 0, meta={"a": {"c": 2, "d": 2}, "b": 1})
    database = Database()
    for name, row in (("1", one), ("2", two))[:: -1 if swapped else 1]:
        database.apply([event(name, int(name), rows(row))])
    assert database.all("ledgerentries")[0]["meta"]["a"]["d"] == 1
    assert database.all("users")[0]["neurBalance"] == 5


def test_the_same_fact_told_twice_counts_once() -> None:
    """By another event, of a dead letter mended by hand, say: its content is the same, its id need not be."""
    database = Database()
    database.apply([event("1", 1, rows(fact("x", 5, 0)))])
    database.apply([event("2", 2, rows(fact("y", 5, 0)))])
    assert database.all("users")[0]["neurBalance"] == 5
    assert len(database.all("ledgerentries")) == 1
    assert not database.all(CONFLICTS)


def test_money_goes_both_ways_and_to_several() -> None:
    database = Database()
    credit, debit = fact("x", 9, 0, sourceId="1"), fact("y", 4, 0, sourceId="2", direction="debit")
    other = fact("z", 3, 0, telegramId="8", currency="AIBA")
    database.apply([event("1", 1, rows(debit, other)), event("2", 2, rows(credit))])
    balances = {user["telegramId"]: (user["neurBalance"], user["aibaBalance"]) for user in database.all("users")}
    assert balances == {"7": (5, 0), "8": (0, 3)}


def test_a_collision_of_battles_takes_the_standings_back() -> None:
    """The later battle's score goes, the earlier one's comes."""
    database = Database()
    fought = {"requestId": "r", "ownerTelegramId": "7", "league": "rookie", "rewardAiba": 0, "rewardNeur": 0}
    late = {"_id": "l", **fought, "score": 50, "createdAt": NOON + timedelta(seconds=5)}
    first = {"_id": "f", **fought, "score": 7, "createdAt": NOON}
    for name, row in (("1", late), ("2", first)):
        database.apply([event(name, 1, {"collection": "battles", "facts": [row], "season": "2026-11"})])
    (user,) = database.all("users")
    assert user["totals"]["all"] == {"score": 7, "aiba": 0, "neur": 0, "battles": 1}
    assert user["seasons"]["2026-11"]["all"]["battles"] == 1
    assert database.all("battles")[0]["score"] == 7
