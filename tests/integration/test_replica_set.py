"""Three nodes: acknowledged means on a majority, and reads may come from a secondary."""

from collections.abc import Iterator

import pytest
from pymongo import MongoClient
from pymongo.read_preferences import Secondary
from pymongo.write_concern import WriteConcern

from chalicelib.arena.ports import Document
from chalicelib.data import queries
from chalicelib.data.operations import Operations
from chalicelib.data.pools import GUIDE_POOLS, Pools
from tests.consistency import assert_consistent
from tests.worlds import World, mongo_world


@pytest.fixture
def world(mongo_three_uri: str) -> Iterator[tuple[World, MongoClient[Document]]]:
    with MongoClient[Document](mongo_three_uri, tz_aware=True) as client:
        client.drop_database("three")
        world, pools = mongo_world(client["three"], mongo_three_uri, pools=Pools(mongo_three_uri))
        # Acknowledged by all three, so that a read of any secondary sees what was seeded before it.
        client["three"].get_collection("marker", write_concern=WriteConcern(w=3)).insert_one({})
        yield world, client
        pools.close()


def test_battles_work_on_three_nodes_and_survive_a_step_down(
    world: tuple[World, MongoClient[Document]], mongo_three_uri: str
) -> None:
    """A new primary in between costs a retry, not a battle."""
    arena, client = world
    arena.add_player()
    broker = arena.add_broker(energy=100)
    battles = arena.battles()
    battles.run(arena.command(broker, "one"))
    client.admin.command("replSetStepDown", 40, secondaryCatchUpPeriodSecs=30)
    arena.clock.advance(30)
    battles.run(arena.command(broker, "two"))
    assert len(arena.read("battles")) == 2
    assert_consistent(arena)


def test_the_catalogue_and_reports_are_read_from_secondaries(
    world: tuple[World, MongoClient[Document]], mongo_three_uri: str
) -> None:
    """By the pools' own read preferences."""
    arena, _ = world
    assert len(arena.public().game_modes()) == 15
    pools = Pools(mongo_three_uri, GUIDE_POOLS)
    analytics = Operations(pools, "three", budget_seconds=20)
    assert len(analytics.execute(queries.enabled_modes(None, None), pool="analytics")) == 15
    assert isinstance(pools.client("analytics").read_preference, Secondary)
    pools.close()
