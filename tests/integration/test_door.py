"""The pools and the one door, on live clients."""

from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database
from pymongo.read_preferences import Primary, Secondary, SecondaryPreferred

from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.data.operations import (
    Aggregate,
    Create,
    Find,
    FindOne,
    Operations,
    ReadOnlyPool,
    UnknownOperation,
    Update,
    UpdateReturning,
)
from chalicelib.data.pools import ENVIRONMENT_POOLS, GUIDE_POOLS, POOL_NAMES, Pools, UnknownPool, without_secondaries


@pytest.fixture
def pools(mongo_uri: str) -> Iterator[Pools]:
    pools = Pools(mongo_uri, without_secondaries(ENVIRONMENT_POOLS))
    yield pools
    pools.close()


@pytest.fixture
def door(pools: Pools, database: Database[Document]) -> Operations:
    return Operations(pools, database.name)


def test_the_guides_figures_reach_live_clients(mongo_uri: str) -> None:
    """Sizes, timeouts, read preference and write concern, as the driver understood them."""
    pools = Pools(mongo_uri, GUIDE_POOLS)
    expected: dict[str, tuple[int, int, int, float, float, type]] = {
        "primary": (50, 10, 30, 5.0, 45.0, Primary),
        "secondary": (30, 5, 30, 5.0, 45.0, SecondaryPreferred),
        "analytics": (20, 2, 60, 10.0, 60.0, Secondary),
    }
    for name in POOL_NAMES:
        client = pools.client(name)
        pool = client.options.pool_options
        found = (
            pool.max_pool_size,
            pool.min_pool_size,
            pool.max_idle_time_seconds,
            client.options.server_selection_timeout,
            pool.socket_timeout,
            type(client.read_preference),
        )
        assert found == expected[name]
        assert client.write_concern.document == {"w": "majority", "j": True}
        assert client.options.retry_writes
        assert client.options.retry_reads
        assert client.codec_options.tz_aware
    pools.close()


def test_an_environment_keeps_few_connections_and_none_unused(pools: Pools, door: Operations) -> None:
    """A pool nobody asked for has no client; one that was asked has what one request needs."""
    assert pools.opened() == ()
    door.execute(FindOne("users", {}))
    assert pools.opened() == ("primary",)
    assert pools.client("primary") is pools.client("primary")
    assert {name: (spec.max_size, spec.min_size) for name, spec in ENVIRONMENT_POOLS.items()} == {
        "primary": (2, 0),
        "secondary": (1, 0),
        "analytics": (1, 0),
    }
    pools.close()
    assert pools.opened() == ()
    assert door.execute(FindOne("users", {})) is None


def test_the_five_operations(door: Operations) -> None:
    """Each answers in its own kind."""
    one, two = {"_id": ObjectId(), "n": 1}, {"_id": ObjectId(), "n": 2}
    assert door.execute(Create("things", [one, two])) == 2
    assert door.execute(Find("things", {}, sort=(("n", -1),))) == [two, one]
    assert door.execute(Find("things", {}, sort=(("n", 1),), limit=1)) == [one]
    assert door.execute(FindOne("things", {"n": 2})) == two
    assert door.execute(FindOne("things", {"n": 3})) is None
    assert door.execute(Aggregate("things", [{"$group": {"_id": None, "sum": {"$sum": "$n"}}}])) == [
        {"_id": None, "sum": 3}
    ]
    hit = Change("things", {"n": 1}, {"$inc": {"n": 10}})
    miss = Change("things", {"n": 99}, {"$inc": {"n": 10}})
    assert door.execute(Update([hit, miss])) == 1
    assert door.execute(UpdateReturning(Change("things", {"n": 2}, {"$inc": {"n": 1}}))) == {**two, "n": 3}


@pytest.mark.parametrize("wrong", ["deleteMany", object(), None, {"find": "users"}])
def test_anything_else_is_an_error_that_names_what_is_allowed(door: Operations, wrong: Any) -> None:
    """Before it reaches the database."""
    with pytest.raises(UnknownOperation, match="one of find, findOne, create, update, aggregate"):
        door.execute(wrong)


def test_an_unknown_pool_is_an_error_that_names_the_pools(door: Operations) -> None:
    """Reads and writes alike."""
    for operation in (FindOne("users", {}), Create("users", [{"_id": 1}])):
        with pytest.raises(UnknownPool, match="one of primary, secondary, analytics"):
            door.execute(operation, pool="tertiary")  # type: ignore[call-overload]


@pytest.mark.parametrize("pool", ["secondary", "analytics"])
def test_pools_for_reading_refuse_writes(door: Operations, pool: Any) -> None:
    """And read."""
    assert door.execute(Find("things", {}), pool=pool) == []
    with pytest.raises(ReadOnlyPool):
        door.execute(Create("things", [{"_id": 1}]), pool=pool)
