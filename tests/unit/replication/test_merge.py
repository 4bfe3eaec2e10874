"""Merging one change: by field, by entry, by sum; every order comes to the same, and to the same losers."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from chalicelib.arena.ports import Document
from chalicelib.replication.merge import Conflict, merged, ordered
from chalicelib.replication.rules import DOCUMENTS, VERSIONS, Documents, Entries, field_version

RULE = Documents(entries={"members": Entries("who", "since")}, counters=frozenset({"vault"}))


def v(moment: int, rank: int) -> str:
    return f"{moment:012x}0000{rank:x}"


def change(**fields: Any) -> dict[str, Any]:
    return {"collection": "guilds", "key": 1, "set": {}, "entries": {}, "base": {}, **fields}


def sets(base: str = "", /, **fields: Any) -> dict[str, Any]:
    return change(set=fields, base=dict.fromkeys(fields, base))


def enters(who: str, entry: Any, base: str = "") -> dict[str, Any]:
    return change(entries={"members": {who: entry}}, base={f"members/{who}": base})


Told = tuple[Mapping[str, Any], str]


def after(told: Sequence[Told], here: Document | None = None) -> tuple[Document, list[Conflict]]:
    document: Document = {"_id": 1} if here is None else here
    conflicts: list[Conflict] = []
    for one, version in told:
        document, found = merged("guilds", RULE, document, one, version)
        conflicts += found
    return document, conflicts


def lost(conflicts: Sequence[Conflict]) -> list[tuple[str, Any, Any]]:
    """Without repetition."""
    found = [(conflict.field, conflict.loser, conflict.winner) for conflict in conflicts]
    return [one for place, one in enumerate(found) if one not in found[:place]]


def test_the_document_that_is_here_is_left_as_it_is() -> None:
    here = {"_id": 1, "bio": "a", "members": [{"who": "7", "since": 1}], VERSIONS: {"*": v(1, 0)}}
    before = repr(here)
    after([(sets(bio="b"), v(2, 1)), (enters("8", {"who": "8", "since": 2}), v(3, 1))], here)
    assert repr(here) == before


def test_each_field_goes_by_its_own_version() -> None:
    """A late change of the bio does not undo a change of the name."""
    document, conflicts = after([(sets(name="n"), v(5, 0)), (sets(bio="b"), v(2, 1))])
    assert (document["name"], document["bio"], conflicts) == ("n", "b", [])
    assert document[VERSIONS] == {"name": v(5, 0), "bio": v(2, 1)}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_highest_version_wins_in_any_order(order: tuple[int, ...]) -> None:
    """Of three who had not heard of each other; each loser is on record, and no other."""
    told = [(sets(bio="a"), v(1, 0)), (sets(bio="b"), v(2, 1)), (sets(bio="c"), v(3, 2))]
    document, conflicts = after([told[place] for place in order])
    assert document["bio"] == "c"
    assert document[VERSIONS] == {"bio": f"{v(3, 2)} {v(2, 1)} {v(1, 0)}"}
    assert {loser for _, loser, _ in lost(conflicts)} == {"a", "b"}


def test_who_writes_over_what_they_have_read_beats_nobody() -> None:
    document, conflicts = after([(sets(bio="a"), v(1, 0)), (sets(v(1, 0), bio="b"), v(2, 1))])
    assert (document["bio"], conflicts) == ("b", [])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_loser_is_found_though_the_winner_wrote_again(order: tuple[int, ...]) -> None:
    """The second write has read the first of its own region, but not the loser: version order alone can't tell."""
    told = [(sets(bio="a"), v(1, 0)), (sets(bio="b"), v(2, 1)), (sets(v(2, 1), bio="c"), v(3, 1))]
    document, conflicts = after([told[place] for place in order])
    assert document["bio"] == "c"
    assert {loser for _, loser, _ in lost(conflicts)} == {"a"}


def test_who_has_lost_is_not_in_the_way_of_who_has_read_it() -> None:
    """What was read and replaced elsewhere comes late: nobody has lost."""
    told = [(sets(v(1, 0), bio="b"), v(2, 1)), (sets(bio="a"), v(1, 0))]
    document, conflicts = after(told)
    assert (document["bio"], conflicts) == ("b", [])


def test_two_who_mean_the_same_have_no_conflict() -> None:
    _, conflicts = after([(sets(bio="a"), v(1, 0)), (sets(bio="a"), v(2, 1))])
    assert not conflicts


def test_what_was_there_before_replication_has_no_version() -> None:
    """Every change wins over it, and nobody has lost."""
    document, conflicts = after([(sets(bio="b"), v(1, 2))], {"_id": 1, "bio": "seeded"})
    assert (document["bio"], conflicts) == ("b", [])


@pytest.mark.parametrize(("first", "last"), [(1, 2), (2, 1)])
def test_a_field_is_unset_by_version_too(first: int, last: int) -> None:
    told = [(sets(bio="b"), v(last, 0)), (change(unset=["bio"], base={"bio": ""}), v(first, 1))]
    for order in (told, told[::-1]):
        document, conflicts = after(order)
        assert ("bio" in document) == (last > first)
        assert lost(conflicts) == ([("bio", None, "b")] if last > first else [("bio", "b", None)])
        assert field_version(document, "bio") == max(v(last, 0), v(first, 1))


def test_a_field_may_be_set_to_nothing() -> None:
    """Which is not the same as unset."""
    document, _ = after([(sets(bio=None), v(1, 0))])
    assert document["bio"] is None


def test_two_who_join_at_once_are_both_in_and_in_one_order() -> None:
    told = [(enters("8", {"who": "8", "since": 2}), v(2, 0)), (enters("7", {"who": "7", "since": 1}), v(2, 1))]
    for order in (told, told[::-1]):
        document, conflicts = after(order)
        assert [entry["who"] for entry in document["members"]] == ["7", "8"]
        assert not conflicts


def test_who_left_does_not_come_back_with_a_late_event() -> None:
    """Leaving is a tombstone; joining again is above it."""
    joins = (enters("7", {"who": "7", "since": 1}), v(1, 0))
    leaves = (enters("7", None, v(1, 0)), v(2, 0))
    document, conflicts = after([leaves, joins])
    assert (document["members"], conflicts) == ([], [])
    document, _ = after([(enters("7", {"who": "7", "since": 9}, v(2, 0)), v(3, 0))], document)
    assert document["members"] == [{"who": "7", "since": 9}]


def test_leaving_and_changing_at_once_is_a_conflict() -> None:
    told = [(enters("7", None), v(1, 0)), (enters("7", {"who": "7", "since": 3}), v(2, 1))]
    for order in (told, told[::-1]):
        document, conflicts = after(order, {"_id": 1, "members": [{"who": "7", "since": 1}]})
        assert document["members"] == [{"who": "7", "since": 3}]
        assert lost(conflicts) == [("members/7", None, {"who": "7", "since": 3})]


def test_entries_without_a_moment_come_first() -> None:
    """The running game's may have none."""
    entries = {"b": {"who": "b", "since": 1}, "a": {"who": "a"}, "c": None, "0": {"who": "0", "since": None}}
    assert [entry["who"] for entry in ordered(RULE.entries["members"], entries)] == ["0", "a", "b"]


def test_counters_add_up_and_moments_stay_at_the_later_one() -> None:
    told = [
        (change(add={"vault": 5}, latest={"updatedAt": 9}), v(1, 0)),
        (change(add={"vault": 2}, latest={"updatedAt": 4}), v(2, 1)),
    ]
    for order in (told, told[::-1]):
        document, _ = after(order)
        assert (document["vault"], document["updatedAt"]) == (7, 9)
        assert VERSIONS not in document


def begins(identifier: int = 1, **fields: Any) -> dict[str, Any]:
    return change(id=identifier, new=True, set=fields, begin={"__v": 0})


def test_a_document_begins() -> None:
    told = begins(name="n")
    told |= {"add": {"vault": 3}, "entries": {"members": {"7": {"who": "7", "since": 1}}}}
    document, conflicts = merged("guilds", RULE, None, told, v(4, 2))
    assert document == {
        **{"_id": 1, "__v": 0, "vault": 3, "name": "n", "members": [{"who": "7", "since": 1}]},
        VERSIONS: {"*": v(4, 2)},
    }
    assert not conflicts


@pytest.mark.parametrize("order", [order for order in itertools.permutations(range(3)) if order[0] != 2])
def test_two_beginnings_of_one_document_meet(order: tuple[int, ...]) -> None:
    """Operators of two regions make a mode of one key: the later beginning writes every field, named or not."""
    told = [
        (begins(1, name="a", icon="x"), v(1, 0)),
        (begins(2, name="b"), v(2, 1)),
        (sets(v(1, 0), rules={"r": 1}), v(3, 0)),
    ]
    rule = DOCUMENTS["gamemodes"]
    document: Document | None = None
    conflicts: list[Conflict] = []
    for place in order:
        one, version = told[place]
        document, found = merged("gamemodes", rule, document, {**one, "key": "k"}, version)
        conflicts += found
    assert document is not None
    assert {name: document.get(name) for name in ("name", "icon", "rules")} == {
        "name": "b",
        "icon": None,
        "rules": {"r": 1},
    }
    assert "icon" not in document
    assert document[VERSIONS] == {"*": f"{v(2, 1)} {v(1, 0)}", "rules": v(3, 0)}
    assert sorted(lost(conflicts), key=str) == [*(("icon", "x", None), ("name", "a", "b"), ("rules", None, {"r": 1}))]


def test_a_conflict_is_one_document_wherever_it_is_found() -> None:
    told = [(sets(bio="a"), v(1, 0)), (sets(bio="b"), v(2, 1))]
    (here,), (there,) = (after(order)[1] for order in (told, told[::-1]))
    assert here.document("e1", 1)["_id"] == there.document("e2", 2)["_id"]
    assert here.document("e1", 1)["loser"] == {"version": v(1, 0), "value": "a"}
    assert here.document("e1", 1)["winner"] == {"version": v(2, 1), "value": "b"}
