"""Slots by Redis Cluster's rule, and maps as nodes tell them."""

from typing import Any

import pytest
from redis.crc import key_slot

from chalicelib.cache.slots import SLOTS, SlotMap, parse_slots, single, slot_of, slot_of_command

A, B, C = ("10.0.0.1", 6379), ("10.0.0.2", 6379), ("10.0.0.3", 6379)


@pytest.mark.parametrize(
    "key", ["foo", "{user1000}.following", "foo{}{bar}", "foo{{bar}}zap", "foo{bar}{zap}", "{", "}{", "{}", "é{ü}", ""]
)
def test_slots_are_those_of_the_client_library(key: str) -> None:
    """Which has the examples of the cluster's specification."""
    assert slot_of(key) == key_slot(key.encode())


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("GET", "k"), "k"),
        (("set", "k", "v", "PX", 5), "k"),
        (("EVALSHA", "abc", 1, "k", "argument"), "k"),
        (("EVAL", "return 1", 0, "argument"), None),
        (("OBJECT", "ENCODING", "k"), "k"),
        (("ZUNION", 2, "k", "other"), "k"),
        (("INFO", "memory"), None),
        (("CLUSTER", "SLOTS"), None),
    ],
)
def test_a_command_belongs_to_the_slot_of_its_first_key(command: tuple[Any, ...], key: str | None) -> None:
    assert slot_of_command(command) == (None if key is None else slot_of(key))


def node(address: tuple[str, int]) -> list[Any]:
    return [*address, "id", []]


def test_a_map_names_every_slots_master_and_the_replicas() -> None:
    found = parse_slots([[0, 8191, node(A), node(C)], [8192, 16383, node(B)]], "asked")
    assert (found.masters, found.replicas) == ((A, B), (C,))
    assert [found.owner(slot) for slot in (0, 8191, 8192, 16383)] == [A, A, B, B]


def test_slots_nobody_serves_have_no_owner() -> None:
    found = parse_slots([[0, 99, node(A)], [200, 299, ["?", 0, "id", []]]], "asked")
    assert [found.owner(slot) for slot in (99, 100, 250)] == [A, None, None]


@pytest.mark.parametrize("host", [None, ""])
def test_a_node_that_does_not_know_its_name_is_the_one_that_was_asked(host: str | None) -> None:
    assert parse_slots([[0, 16383, [host, 7000, "id", []]]], "10.9.9.9").masters == (("10.9.9.9", 7000),)


@pytest.mark.parametrize("answer", [[], [[0, 1]], [[0, 1, None]], [[0, 99999, node(A)]], [[0, 5, ["?", 0]]]])
def test_another_shape_is_refused(answer: Any) -> None:
    with pytest.raises(ValueError, match="CLUSTER SLOTS"):
        parse_slots(answer, "asked")


def test_a_moved_slot_changes_its_owner_alone() -> None:
    before = SlotMap((A, B), (0,) * 8192 + (1,) * 8192, (C,))
    after = before.moved(7, C)
    assert [after.owner(slot) for slot in (6, 7, 8, 8192)] == [A, C, A, B]
    assert after.replicas == ()
    assert after.moved(7, B).owner(7) == B


def test_a_single_server_serves_every_slot() -> None:
    assert {single(A).owner(slot) for slot in range(SLOTS)} == {A}
