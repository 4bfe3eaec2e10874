"""The plan as data: keys that keep what is unique, ranges without holes, commands one can type."""

from dataclasses import replace
from itertools import pairwise

import pytest
from bson import MaxKey, MinKey

from chalicelib.data.indexes import INDEXES, REPLACED
from chalicelib.data.sharding import (
    HASHED,
    SHARDED,
    Sharded,
    default_boards,
    uniqueness_conflicts,
    zone_of,
    zone_ranges,
)
from infra.sharding.shapes import ROUTES, Shape, names_whole_key, recorded, route
from infra.sharding.shell import shell
from infra.sharding.steps import Present, Wanted, placement, plan

WANTED = Wanted(database="arena", region="us-east-1")


@pytest.mark.parametrize("one", SHARDED, ids=lambda one: one.collection)
def test_every_unique_index_can_stay(one: Sharded) -> None:
    """Of all collections that are spread, under the arena's keys."""
    assert any(index.options.get("unique") for index in INDEXES if index.collection == one.collection)
    assert uniqueness_conflicts(one.collection, one.key) == []


def test_what_other_keys_would_break_is_named() -> None:
    conflicts = {one.guide: uniqueness_conflicts(one.collection, one.guide_key) for one in SHARDED}
    assert conflicts["battles"] == ["requestId"]
    assert conflicts["transactions"] == ["telegramId, sourceId, sourceType, currency, direction, reason"]
    assert conflicts["users"] == conflicts["leaderboards"] == []
    # With a region before it, as one cluster for all regions would have it, nothing stays unique.
    for one in SHARDED:
        assert uniqueness_conflicts(one.collection, (("homeRegion", 1), *one.key)), one.collection


def test_the_guides_four_with_its_counts() -> None:
    assert {one.guide: one.shards for one in SHARDED} == {
        "users": 3,
        "battles": 4,
        "transactions": 2,
        "leaderboards": 2,
    }


def test_indexes_that_were_unique_otherwise_are_named_for_dropping() -> None:
    """Or nobody who has them could shard."""
    for collection, name in (("ledgerentries", "sourceType_1_sourceId"), ("seasonstandings", "season_1_board")):
        assert any(old.startswith(name) for old in REPLACED[collection])


def test_nothing_of_the_arenas_changes_a_document_without_saying_its_key() -> None:
    """But by its _id, which MongoDB asks all shards for: repairs do."""
    keys = {one.collection: one.key for one in SHARDED}
    vague = [
        shape
        for shape in recorded()
        if shape.kind in ("update", "upsert", "findAndModify") and not names_whole_key(keys[shape.collection], shape)
    ]
    assert vague == [Shape("users", "update", ("_id",))]


def test_of_what_players_cause_only_histories_of_battles_ask_all_shards() -> None:
    keys = {one.collection: one.key for one in SHARDED}
    caused = [shape for shape, weight in recorded().items() if weight]
    by_route = {where: [shape for shape in caused if route(keys[shape.collection], shape) == where] for where in ROUTES}
    assert by_route["all"] == [Shape("battles", "find", ("ownerTelegramId",))]
    # Names for a list of players, and lists of past seasons.
    assert {shape.collection for shape in by_route["some"]} == {"users", "seasonstandings"}


@pytest.mark.parametrize("one", SHARDED, ids=lambda one: one.collection)
def test_ranges_follow_each_other_without_holes(one: Sharded) -> None:
    ranges = zone_ranges(one.key, default_boards())
    for (_, end), (begin, _) in pairwise(ranges):
        assert end == begin
    assert next(iter(ranges[0][0].values())) in ("", MinKey())
    assert next(iter(ranges[-1][1].values())) == MaxKey()
    names = [name for name, _ in one.key]
    assert all(list(bound) == names for span in ranges for bound in span)


def test_what_is_split_beforehand_begins_with_values() -> None:
    """MongoDB takes no MinKey before a hashed field."""
    for one in SHARDED:
        if one.key[0][1] != HASHED:
            assert all(isinstance(low[one.key[0][0]], str) for low, _ in zone_ranges(one.key, default_boards()))


@pytest.mark.parametrize("shards", [4, 5, 11])
def test_collections_share_shards_as_evenly_as_they_can(shards: int) -> None:
    names = [f"s{number:02}" for number in range(shards)]
    placed = placement(WANTED, dict.fromkeys(names, frozenset()))
    assert {name: len(found) for name, found in placed.items()} == {one.collection: one.shards for one in SHARDED}
    load = [sum(name in found for found in placed.values()) for name in names]
    assert max(load) - min(load) <= 1
    assert max(load) == 1 or shards < sum(one.shards for one in SHARDED)


def test_shards_that_have_the_zone_keep_it() -> None:
    zone = zone_of("us-east-1", "ledgerentries")
    shards = {"a": frozenset[str](), "b": frozenset({zone}), "c": frozenset({zone}), "d": frozenset[str]()}
    assert placement(WANTED, shards)["ledgerentries"] == ["b", "c"]


def test_a_database_that_is_none_of_a_cluster_gets_no_steps() -> None:
    found = plan(WANTED, Present(is_router=False))
    assert (list(found.steps), len(found.blockers)) == ([], 1)


def test_an_older_server_is_for_those_who_say_so() -> None:
    shards = dict.fromkeys(("a", "b", "c", "d"), frozenset[str]())
    old = Present(version=(7, 0, 12), shards=shards)
    assert len(plan(WANTED, old).blockers) == 1
    assert plan(replace(WANTED, any_version=True), old).blockers == []


def test_commands_can_be_typed() -> None:
    command = {
        "updateZoneKeyRange": "a.b",
        "min": {"x.y": MinKey()},
        "max": {"x": MaxKey()},
        "deep": [True, None, 'q"'],
    }
    assert shell("admin", command) == (
        'db.adminCommand({updateZoneKeyRange: "a.b", min: {"x.y": MinKey()}, max: {x: MaxKey()}, '
        'deep: [true, null, "q\\""]})'
    )
    assert shell("arena", {"ping": 1}) == 'db.getSiblingDB("arena").runCommand({ping: 1})'
