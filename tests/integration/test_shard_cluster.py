"""Plans, applied over the wire to a cluster on paper: in order, once, and on after whatever breaks in between."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bson import MaxKey, MinKey
from click.testing import CliRunner, Result
from pymongo import MongoClient

from chalicelib.arena.ports import Document
from infra.cli.shard import command
from infra.sharding.cluster import Applied, apply, planned
from infra.sharding.status import status
from infra.sharding.steps import Wanted
from tests.scripted_mongos import ScriptedMongos
from tests.wire_mongo import Dropped, Refused, served

WANTED = Wanted(database="arena", region="eu-west-1")


@pytest.fixture
def cluster() -> ScriptedMongos:
    return ScriptedMongos()


@pytest.fixture
def uri(cluster: ScriptedMongos) -> Iterator[str]:
    with served(cluster.answer) as uri:
        yield uri


@pytest.fixture
def client(uri: str) -> Iterator[MongoClient[Document]]:
    with MongoClient[Document](uri) as client:
        yield client


def run(uri: str, *arguments: str) -> Result:
    line = [arguments[0], "--mongo-uri", uri, "--database", "arena", "--region", "eu-west-1", *arguments[1:]]
    return CliRunner().invoke(command, line)


def test_everything_is_done_once_in_the_order_that_was_planned(
    cluster: ScriptedMongos, client: MongoClient[Document]
) -> None:
    steps = planned(client, WANTED).steps
    assert not cluster.admin, "planning changes nothing"
    result = apply(client, WANTED)
    assert result.complete, result
    sent = [{key: value for key, value in one.items() if not key.startswith("$")} for one in cluster.admin]
    assert sent == [step.command for step in steps]
    keys = {row["_id"]: row["key"] for row in cluster.config["collections"]}
    assert keys == {
        "arena.users": {"telegramId": "hashed"},
        "arena.battles": {"requestId": "hashed"},
        "arena.ledgerentries": {"telegramId": "hashed", "sourceId": 1},
        "arena.seasonstandings": {"board": 1, "telegramId": "hashed"},
    }
    again = apply(client, WANTED)
    assert (again.done, again.complete, len(cluster.admin)) == ([], True, len(steps))


def test_zones_and_indexes_come_before_the_key(cluster: ScriptedMongos, client: MongoClient[Document]) -> None:
    """Ranges that are there first are what an empty collection is split by."""
    apply(client, WANTED)
    names = [next(iter(one)) for one in cluster.admin]
    users = [name for name, one in zip(names, cluster.admin, strict=True) if "users" in json.dumps(one, default=str)]
    assert users == ["addShardToZone"] * 3 + ["createIndexes", "updateZoneKeyRange", "shardCollection"]
    assert names.index("enableSharding") < names.index("createIndexes")
    chunks = {(chunk["uuid"], chunk["shard"]) for chunk in cluster.config["chunks"]}
    counts = {name: sum(1 for uuid, _ in chunks if uuid == f"arena.{name}") for name in ("users", "battles")}
    assert counts == {"users": 3, "battles": 4}


@pytest.mark.parametrize("kind", ["refused", "lost before", "lost after"])
def test_a_run_that_ends_anywhere_is_gone_on_with(kind: str) -> None:
    """Each run breaks at its first or its second command, and the next one goes on: the end is the same cluster."""
    whole, broken = ScriptedMongos(), ScriptedMongos()
    steps = len(_applied(whole).done)
    runs = 0
    while True:
        number = len(broken.admin) + runs % 2
        if kind == "lost after":
            broken.loses = {number}
        else:
            broken.fails = {number: Refused(91, "shutting down") if kind == "refused" else Dropped()}
        result = _applied(broken)
        runs += 1
        if result.complete:
            break
        assert result.failure
        assert runs < 3 * steps
    assert runs > steps / 2
    assert broken.shape() == whole.shape()


def _applied(cluster: ScriptedMongos) -> Applied:
    """As a process of its own does it."""
    with served(cluster.answer) as uri, MongoClient[Document](uri) as client:
        return apply(client, WANTED)


def test_another_key_is_refused_with_the_command_that_changes_it(cluster: ScriptedMongos, uri: str) -> None:
    cluster.config["collections"].append({"_id": "arena.ledgerentries", "key": {"timestamp": 1}, "uuid": "x"})
    result = run(uri, "apply")
    assert result.exit_code == 1
    assert not cluster.admin
    assert 'ledgerentries is sharded by {timestamp: 1}, wanted {telegramId: "hashed", sourceId: 1}' in result.output
    assert 'reshardCollection: "arena.ledgerentries"' in result.output


@pytest.mark.parametrize("document", [{"_id": 7}, {"_id": 7, "requestId": ["a", "b"]}])
def test_documents_that_do_not_fit_the_key_are_refused(cluster: ScriptedMongos, uri: str, document: Any) -> None:
    cluster.documents["arena.battles"] = [{"_id": 1, "requestId": "r"}, document]
    result = run(uri, "plan")
    assert result.exit_code == 1
    assert "battles 7 has no value, or a list, in requestId" in result.output


def test_a_unique_index_that_could_not_stay_is_refused(cluster: ScriptedMongos, uri: str) -> None:
    name = "season_1_board_1_telegramId_1"
    key = {"season": 1, "board": 1, "telegramId": 1}
    cluster.indexes["arena.seasonstandings"] = [{"name": name, "key": key, "unique": True}]
    result = run(uri, "apply")
    assert result.exit_code == 1
    assert f"db.seasonstandings.dropIndex('{name}')" in result.output
    assert not cluster.admin


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"router": False}, "this is no sharded cluster's mongos"),
        ({"version": (6, 0, 5)}, "MongoDB 6.0.5 does not read sharded collections by $lookup in a transaction"),
    ],
)
def test_a_cluster_that_would_not_do_is_refused(
    cluster: ScriptedMongos, uri: str, change: dict[str, Any], said: str
) -> None:
    for name, value in change.items():
        setattr(cluster, name, value)
    for what in ("plan", "apply"):
        result = run(uri, what)
        assert result.exit_code == 1
        assert said in result.output
    assert not cluster.admin


def test_too_few_shards_are_refused_and_drained_ones_do_not_count(cluster: ScriptedMongos, uri: str) -> None:
    cluster.config["shards"][0]["draining"] = True
    result = run(uri, "apply")
    assert result.exit_code == 1
    assert "3 shards that are not drained, needed 4" in result.output


def test_a_collection_with_documents_is_not_split_beforehand(
    cluster: ScriptedMongos, client: MongoClient[Document]
) -> None:
    """MongoDB refuses to."""
    cluster.documents["arena.users"] = [{"_id": 1, "telegramId": "7"}]
    assert apply(client, WANTED).complete
    (users,) = [one for one in cluster.admin if one.get("shardCollection") == "arena.users"]
    assert "numInitialChunks" not in users
    (battles,) = [one for one in cluster.admin if one.get("shardCollection") == "arena.battles"]
    assert (battles["numInitialChunks"], battles["presplitHashedZones"]) == (8, True)


def test_boards_of_leagues_and_realms_are_split_each(cluster: ScriptedMongos, client: MongoClient[Document]) -> None:
    cluster.documents["arena.gamemodes"] = [{"_id": 1, "league": "mythic"}]
    cluster.documents["arena.realms"] = [{"_id": 1, "key": "core"}]
    assert apply(client, WANTED).complete
    lows = [tag["min"]["board"] for tag in cluster.config["tags"] if tag["ns"] == "arena.seasonstandings"]
    assert lows[0] == ""
    assert {"all", "league:mythic", "league:rookie", "realm:core"} < set(lows)
    cluster.documents["arena.realms"].append({"_id": 2, "key": "later"})
    assert planned(client, WANTED).steps == [], "a realm that comes later is in the ranges there are"


def test_ranges_of_another_time_or_zone_are_refused(cluster: ScriptedMongos, uri: str) -> None:
    whole = {"min": {"requestId": MinKey()}, "max": {"requestId": MaxKey()}}
    cluster.config["tags"].append({"ns": "arena.battles", "tag": "us-east-1.battles", **whole})
    part = {"min": {"board": "", "telegramId": MinKey()}, "max": {"board": "b", "telegramId": MinKey()}}
    cluster.config["tags"].append({"ns": "arena.seasonstandings", "tag": "eu-west-1.seasonstandings", **part})
    result = run(uri, "plan")
    assert result.exit_code == 1
    assert "battles has ranges of zone us-east-1.battles, wanted eu-west-1.battles" in result.output
    assert "seasonstandings has ranges of eu-west-1.seasonstandings that are not wanted" in result.output


def test_an_accepted_step_that_changes_nothing_ends_the_run(cluster: ScriptedMongos, uri: str) -> None:
    """Not for ever."""
    cluster._enableSharding = lambda database, command: {}  # type: ignore[method-assign]
    result = run(uri, "apply")
    assert result.exit_code == 1
    assert "enableSharding was accepted and has changed nothing" in result.output


def test_status_tells_what_lies_where_and_what_is_off(cluster: ScriptedMongos, uri: str) -> None:
    before = run(uri, "status")
    assert before.exit_code == 1
    assert "steps of the plan are left" in before.output
    assert run(uri, "apply").exit_code == 0
    sizes = [("s0", 30, 300), ("s1", 10, 100)]
    cluster.sizes = [
        {
            "ns": "arena.ledgerentries",
            "shards": [{"shardName": s, "numOwnedDocuments": n, "ownedSizeBytes": b} for s, n, b in sizes],
        }
    ]
    fine = run(uri, "status", "--json")
    assert fine.exit_code == 0, fine.output
    told = json.loads(fine.output)
    assert told["balancer"] == "full"
    assert told["shares"]["ledgerentries"]["s0"] == 0.75
    assert told["shards"]["s0"] == sorted(told["shards"]["s0"])
    cluster.config["chunks"][0]["jumbo"] = True
    cluster.balancer, cluster.sizes = "off", None
    off = run(uri, "status")
    assert off.exit_code == 1
    assert "the balancer is off" in off.output
    assert "1 of them jumbo" in off.output


def test_a_shard_that_is_added_later_changes_no_zone(cluster: ScriptedMongos, client: MongoClient[Document]) -> None:
    apply(client, WANTED)
    cluster.config["shards"].insert(0, {"_id": "a-new-one", "state": 1})
    assert planned(client, WANTED).steps == []
    assert status(client, WANTED).steps_left == 0


def test_json_of_plan_and_apply(uri: str) -> None:
    planned_now = json.loads(run(uri, "plan", "--json").stdout)
    assert planned_now["blockers"] == []
    assert planned_now["steps"][0]["shell"].startswith("db.adminCommand({addShardToZone: ")
    applied = json.loads(run(uri, "apply", "--json").stdout)
    assert applied["complete"]
    assert [one["shell"] for one in applied["done"]] == [one["shell"] for one in planned_now["steps"]]
    assert run(uri, "plan").output == "nothing is left to do\n"


def test_a_cluster_that_is_not_there_is_one_sentence() -> None:
    result = run("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50", "plan")
    assert result.exit_code == 1
    assert "did not do it (ServerSelectionTimeoutError)" in result.output
