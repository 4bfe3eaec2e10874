"""Which region is right, case by case."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from bson import ObjectId

from chalicelib.arena.ports import Document
from chalicelib.replication.content import digest_of
from chalicelib.replication.repair import Blocked, Repair, decide_document
from chalicelib.replication.repair_facts import decide_boss, decide_facts, decide_offsets
from tests.worlds import NOON

A, B, C = "us-east-1", "eu-west-1", "ap-southeast-1"
OLD, NEW = "01a20320a20000001", "01a20846fe0000001"
ID = ObjectId()


def broker(name: object, version: str = OLD, **more: Any) -> Document:
    return {"_id": ID, "name": name, "_versions": {"*": version}, **more}


def decided(*documents: Document | None) -> dict[str, Repair]:
    found = dict(zip((A, B, C), documents, strict=False))
    decisions = decide_document("brokers", (ID,), found, NOON, iter(count()))
    return {one.region: one for one in decisions if isinstance(one, Repair)}


def test_the_higher_version_counts_whatever_the_majority_says() -> None:
    """And nobody lost: the others had not heard of it."""
    repairs = decided(broker("x"), broker("x"), broker("y", NEW))
    assert {region: one.after and one.after["name"] for region, one in repairs.items()} == {A: "y", B: "y"}
    assert all((one.why, one.conflicts) == ("older version", ()) for one in repairs.values())
    healed = {digest_of("brokers", one.after or {}) for one in repairs.values()}
    assert healed == {digest_of("brokers", broker("y", NEW))}


def test_of_one_version_the_majority_counts_and_the_loser_is_on_record() -> None:
    """A hand in one region's database."""
    repairs = decided(broker("x"), broker("by hand"), broker("x"))
    (repair,) = repairs.values()
    (conflict,) = repair.conflicts
    assert (repair.region, repair.why, repair.fields) == (B, "minority", ("name",))
    assert (conflict["loser"]["value"], conflict["winner"]["value"]) == ("by hand", "x")
    assert conflict["region"] == B


def test_without_a_majority_the_highest_priority_counts() -> None:
    """Three hands, or two regions."""
    assert {region: one.why for region, one in decided(broker("x"), broker("y"), broker("z")).items()} == {
        B: "lower priority",
        C: "lower priority",
    }
    assert list(decided(broker("x"), broker("y"))) == [B]


def test_a_field_that_is_missing_comes_back_and_one_too_many_goes() -> None:
    """Each in the region a hand was in."""
    repairs = decided(broker("x"), broker("x", extra=1), {"_id": ID, "_versions": {"*": OLD}})
    assert repairs[B].after == broker("x")
    assert repairs[C].after == broker("x")


def test_fields_are_healed_apart_from_each_other() -> None:
    """One region's newer name, another's newer colour."""
    one, other = broker("x", colour="red"), broker("y", colour="blue")
    one["_versions"]["name"], other["_versions"]["colour"] = NEW, NEW
    repairs = decided(one, other)
    assert {region: repair.fields for region, repair in repairs.items()} == {A: ("colour",), B: ("name",)}
    assert {digest_of("brokers", repair.after or {}) for repair in repairs.values()} == {
        digest_of("brokers", {**broker("x", colour="blue"), "_versions": {"*": OLD, "name": NEW, "colour": NEW}})
    }


def test_a_missing_player_is_restored_without_money_and_under_an_own_id() -> None:
    """What the player has is computed where they are restored."""
    user = {"_id": ID, "telegramId": "7", "username": "u", "neurBalance": 50, "totals": {"all": {}}}
    (repair,) = decide_document("users", ("7",), {A: user, B: None}, NOON, iter(["new id"]))
    assert isinstance(repair, Repair)
    assert repair.after is not None
    assert {name: repair.after.get(name) for name in ("_id", "username", "neurBalance", "totals")} == {
        "_id": "new id",
        "username": "u",
        "neurBalance": 0,
        "totals": None,
    }


def row(amount: int, source: str = "r1", **more: Any) -> Document:
    names = {"sourceType": "battle", "telegramId": "7", "currency": "AIBA", "direction": "credit", "reason": "x"}
    return {"_id": ID, "sourceId": source, "amount": amount, **names, **more}


def facts(*found: Sequence[Document]) -> list[Repair | Blocked]:
    return decide_facts("ledgerentries", dict(zip((A, B, C), found, strict=False)), NOON)


def shown(decisions: Sequence[Repair | Blocked]) -> list[tuple[str, str, str]]:
    return [(one.region, one.action, one.why) for one in decisions if isinstance(one, Repair)]


def test_facts_are_a_union() -> None:
    """Whoever misses one gets it; local ids and the order of fields say nothing."""
    assert shown(facts([row(5)], [], [dict(reversed(row(5, __v=3).items()))])) == [(B, "insert", "missing")]
    assert facts([row(5)], [row(5.0)]) == []  # type: ignore[arg-type]  # what came over the wire


def test_a_fact_that_was_changed_is_what_most_regions_say() -> None:
    """Else what the first says; the other is on record."""
    (repair,) = facts([row(9)], [row(5)], [row(5)])
    assert isinstance(repair, Repair)
    assert (repair.region, repair.why, repair.fields) == (A, "minority", ("amount",))
    assert repair.conflicts[0]["loser"]["value"]["amount"] == 9
    assert shown(facts([row(9)], [], [row(5)])) == [(B, "insert", "missing"), (C, "change", "lower priority")]


def test_a_fact_whose_name_was_changed_is_known_by_its_id() -> None:
    """It is not another one."""
    (repair,) = facts([row(5)], [row(5, "by hand")], [row(5)])
    assert isinstance(repair, Repair)
    assert (repair.region, repair.action, repair.fields) == (B, "change", ("sourceId",))


def test_what_no_rule_decides_is_left_to_people() -> None:
    """Two rows of one region that are one of another's."""
    twin = {**row(5, "by hand"), "_id": ID}
    other = {**row(5), "_id": ObjectId()}
    (blocked,) = facts([row(5)], [twin, other])
    assert isinstance(blocked, Blocked)


def money(*balances: int | None) -> dict[str, Document | None]:
    held = [None if one is None else {"aibaBalance": one} for one in balances]
    return {
        region: {"telegramId": "7", "balances": one, "sums": {"aibaBalance": 10}}
        for region, one in zip((A, B, C), held, strict=False)
    }


def test_money_beyond_the_ledger_is_what_most_regions_say() -> None:
    """Nothing, as a rule; what a player had before there was a ledger stays."""
    cases = {
        (10, 10, 10): 0,
        (510, 510, 10): 500,
        (10, 99, 10): 0,
        (99, 11, 10): 0,
        (99, 98, 97): 89,
        (None, 10, 60): 0,
    }
    for balances, offset in cases.items():
        assert decide_offsets(money(*balances))["aibaBalance"] == offset, balances
    assert decide_offsets(money(None, None))["aibaBalance"] == 0


def test_a_boss_has_what_it_began_with_less_its_damages() -> None:
    """Where regions differ; else nobody touches it."""

    def boss(points: int, status: str = "active") -> Document:
        return {"_id": ID, "maxHp": 100, "currentHp": points, "status": status}

    assert decide_boss({A: boss(50), B: boss(50)}, damage=60) == []
    decisions = decide_boss({A: boss(50), B: boss(40), C: boss(40)}, damage=60)
    assert shown(decisions) == [(A, "boss", "not the sum of its damages")]
    dead = decide_boss({A: boss(50), B: boss(0, "defeated"), C: boss(0, "defeated")}, damage=101)
    assert [one.after and one.after["status"] for one in dead if isinstance(one, Repair)] == ["defeated"]
