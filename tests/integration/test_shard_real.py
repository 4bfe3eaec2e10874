"""What the plan says, MongoDB itself accepts: a real config server and two real shards."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from chalicelib.arena.ports import Document
from chalicelib.data.indexes import INDEXES, ensure_indexes
from chalicelib.data.sharding import SHARDED, Sharded, ShardKey, document, keeps_unique, uniqueness_conflicts
from infra.sharding.cluster import apply, planned
from infra.sharding.status import status
from infra.sharding.steps import Wanted
from tests.real_shards import RealShards, real_shards

SHARDS = 2
FEWER = tuple(replace(one, shards=min(one.shards, SHARDS)) for one in SHARDED)
WANTED = Wanted(database="arena", region="us-east-1", collections=FEWER, any_version=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealShards]:
    with real_shards(SHARDS) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(cluster: RealShards) -> Iterator[MongoClient[Document]]:
    with MongoClient[Document](cluster.uri) as client:
        yield client


def test_the_plan_is_accepted_and_leaves_nothing_to_do(cluster: RealShards, client: MongoClient[Document]) -> None:
    """With every index of the arena there before. Each collection is split at once, over all shards of its zone."""
    ensure_indexes(cluster.primary["arena"])
    result = apply(client, WANTED)
    assert result.complete, result.failure or result.blockers
    assert planned(client, WANTED).steps == []
    found = status(client, WANTED)
    assert found.wrong == []
    assert {one.collection: one.key for one in found.collections} == {
        one.collection: document(one.key) for one in SHARDED
    }
    for one in found.collections:
        assert len(one.shards) == SHARDS, one
        chunks = [shard.chunks for shard in one.shards.values()]
        assert max(chunks) - min(chunks) <= 2, one
    _has_boards_on_both_shards(cluster)
    # As by two who apply at once: what was done already is accepted again, and changes nothing.
    for step in result.done:
        if step.name != "create":
            client[step.database].command(step.command)
    assert status(client, WANTED) == found


def _has_boards_on_both_shards(cluster: RealShards) -> None:
    """Of the board everybody is on, both have chunks."""
    namespace = cluster.config["config"]["collections"].find_one({"_id": "arena.seasonstandings"})
    assert namespace is not None
    of_all = {"uuid": namespace["uuid"], "min.board": "all"}
    shards = Counter(chunk["shard"] for chunk in cluster.config["config"]["chunks"].find(of_all))
    assert len(shards) == SHARDS, shards


@pytest.mark.parametrize("one", SHARDED, ids=lambda one: one.collection)
def test_what_is_called_a_conflict_is_what_mongodb_refuses(
    one: Sharded, cluster: RealShards, client: MongoClient[Document]
) -> None:
    """The guide's keys and ours, on collections that have the arena's unique indexes."""
    database = f"unique_{one.collection}"
    client.admin.command({"enableSharding": database})
    for number, key in enumerate((one.key, one.guide_key)):
        name = f"{one.collection}_{number}"
        collection = cluster.primary[database][name]
        unique = [index for index in INDEXES if index.collection == one.collection and index.options.get("unique")]
        for index in unique:
            collection.create_index(list(index.keys), **index.options)
        if list(key) not in [list(index.keys) for index in unique]:
            collection.create_index(list(key))
        sharding = {"shardCollection": f"{database}.{name}", "key": document(key)}
        if uniqueness_conflicts(one.collection, key):
            with pytest.raises(OperationFailure, match="Uniqueness can't be maintained") as refusal:
                client.admin.command(sharding)
            assert refusal.value.code == 72
        else:
            client.admin.command(sharding)


def test_a_hashed_key_keeps_an_index_of_its_fields_unique() -> None:
    """The rule goes by names; the order counts."""
    hashed: ShardKey = (("telegramId", "hashed"), ("sourceId", 1))
    assert keeps_unique(hashed, ["telegramId", "sourceId", "reason"])
    assert not keeps_unique(hashed, ["sourceId", "telegramId"])
    assert not keeps_unique(hashed, ["telegramId"])
