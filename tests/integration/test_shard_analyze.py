"""Keys judged on a real database: the same verdicts on twenty thousand documents as on a million."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Int64, ObjectId
from click.testing import CliRunner, Result
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from bench.sharding import fill, judge
from bench.sharding_workload import played
from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.data.sharding import SHARDED, ShardKey
from infra.cli.shard import command
from infra.sharding.hashing import hashed
from infra.sharding.measure import server_figures
from infra.sharding.shapes import as_rows, recorded, routed
from tests.worlds import NOON

DOCUMENTS = 20_000


@pytest.fixture(scope="module")
def filled(mongo_client: MongoClient[Document]) -> Iterator[Database[Document]]:
    database = mongo_client["test_shard_analyze"]
    mongo_client.drop_database(database.name)
    fill(database, DOCUMENTS)
    yield database
    mongo_client.drop_database(database.name)


def analyze(database: Database[Document], uri: str, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["analyze", "--mongo-uri", uri, "--database", database.name, *arguments])


def test_the_guides_two_bad_keys_are_refused_with_numbers_and_ours_accepted(filled: Database[Document]) -> None:
    found = {(one.figures.collection, one.whose): one for one in judge(filled)}
    for one in SHARDED:
        assert found[one.collection, "ours"].refusals == [], one.collection
    bad = found["ledgerentries", "guide"]
    assert {"monotonicity 1.00 > 0.5", "insert skew 2.00 > 1.5"} < set(bad.refusals)
    assert bad.figures.hot_inserts == 1.0
    assert bad.figures.routed == {"one": 0.0, "some": 0.0, "all": 1.0}
    bad = found["seasonstandings", "guide"]
    assert "cardinality 11 < 200" in bad.refusals
    assert any(said.startswith("one value has 33.") for said in bad.refusals)
    assert found["users", "guide"].refusals == []
    assert "can't keep unique: requestId" in found["battles", "guide"].refusals


def test_counts_are_of_all_documents_and_places_of_a_sample(filled: Database[Document]) -> None:
    (users,) = [one for one in judge(filled) if (one.figures.collection, one.whose) == ("users", "ours")]
    counted = users.figures.counted
    assert counted.documents == counted.distinct == filled["users"].count_documents({}) == DOCUMENTS // 10


def test_the_command_shows_all_and_fails_for_planned_keys_only(filled: Database[Document], mongo_uri: str) -> None:
    result = analyze(filled, mongo_uri, "--sample", "1000")
    assert result.exit_code == 0, result.output
    assert "| ledgerentries | `{createdAt: 1}` | guide | 2 |" in result.output
    told = json.loads(analyze(filled, mongo_uri, "--json").output)
    assert {row["whose"] for row in told} == {"ours", "guide", "considered"}
    assert all(row["server"] is None for row in told), "the server has no analyzeShardKey"


@pytest.mark.parametrize(
    ("key", "code", "said"),
    [
        ('ledgerentries={"createdAt": 1}', 1, "monotonicity 1.00 > 0.5"),
        ('seasonstandings={"board": 1}', 1, "cardinality"),
        ('users={"telegramId": "hashed"}', 0, "accepted"),
        ('guilds={"name": 1}', 2, "a key of users, battles"),
        ("users=telegramId", 2, "as JSON"),
        ('users={"telegramId": "hashed", "_id": "hashed"}', 2, "one of them"),
        ('users={"telegramId": -1}', 2, "fields with 1"),
    ],
)
def test_a_key_one_asks_for_decides_the_exit_code(
    filled: Database[Document], mongo_uri: str, key: str, code: int, said: str
) -> None:
    result = analyze(filled, mongo_uri, "--key", key)
    assert result.exit_code == code, result.output
    assert said in result.output


def test_nothing_to_measure_is_one_sentence(fresh_database: Database[Document], mongo_uri: str) -> None:
    result = analyze(fresh_database, mongo_uri)
    assert result.exit_code == 1
    assert "users has no documents" in result.output


@pytest.mark.parametrize("players", [1, 499])
def test_a_young_database_is_not_judged(fresh_database: Database[Document], mongo_uri: str, players: int) -> None:
    fresh_database["users"].insert_many([{"telegramId": str(number)} for number in range(players)])
    result = analyze(fresh_database, mongo_uri)
    assert result.exit_code == 1
    assert f"users has {players} documents, and a key is judged on 500 at least" in result.output


VALUES: tuple[Any, ...] = (
    *("", "777", "пример", "x" * 1000),
    *(0, 1, -1, 2**31, Int64(2**62), 3.0, 3.7, -2.5),
    *(None, True, False, ObjectId(), datetime(2026, 11, 23, 12, 0, 0, 5000, tzinfo=UTC)),
)


def test_hashes_are_those_of_a_hashed_index(fresh_database: Database[Document]) -> None:
    """The index itself tells its keys, and the server its function."""
    collection = fresh_database["hashes"]
    collection.create_index([("v", "hashed")])
    for value in VALUES:
        collection.delete_many({})
        collection.insert_one({"v": value})
        asked = {"find": "hashes", "hint": {"v": "hashed"}, "returnKey": True}
        (stored,) = fresh_database.command(asked)["cursor"]["firstBatch"]
        (told,) = collection.aggregate([{"$project": {"hash": {"$toHashedIndexKey": "$v"}}}])
        assert hashed(value) == stored["v"] == told["hash"], value


def test_recorded_queries_are_those_that_players_cause(
    database: Database[Document], mongo_uri: str, valkey_url: str
) -> None:
    """None is new, and none that players are said to cause often is gone."""
    found = played(mongo_uri, database, valkey_url, ManualClock(NOON), requests=160, seed=2)
    new = {shape: weight for shape, weight in found.items() if shape not in recorded()}
    assert not new, f"record them: python -m bench.sharding --record-queries\n{as_rows(new)}"
    often = {shape for shape, weight in recorded().items() if weight >= 100}
    assert often <= found.keys()
    for one in SHARDED:
        for key in (one.key, one.guide_key):
            here, there = (routed(key, one.collection, weights) for weights in (found, recorded()))
            assert here == pytest.approx(there, abs=0.1), (one.collection, key)


class OneCommand:
    """A server of 7.0, as far as analyzeShardKey goes."""

    def __init__(self, answer: Document | OperationFailure) -> None:
        self.answer = answer
        self.name = "arena"
        self.asked: list[Document] = []

    @property
    def client(self) -> "OneCommand":
        return self

    @property
    def admin(self) -> "OneCommand":
        return self

    def command(self, command: Document) -> Document:
        self.asked.append(command)
        if isinstance(self.answer, OperationFailure):
            raise self.answer
        return self.answer


def test_what_a_newer_server_says_itself_is_told_beside() -> None:
    key: ShardKey = (("requestId", "hashed"),)
    server: Any = OneCommand({"ok": 1, "keyCharacteristics": {"numDistinctValues": 5}})
    assert server_figures(server, "battles", key) == {"numDistinctValues": 5}
    (asked,) = server.asked
    assert (asked["analyzeShardKey"], asked["key"]) == ("arena.battles", {"requestId": "hashed"})
    no_index: Any = OneCommand(OperationFailure("x", 20, {"errmsg": "no supporting index"}))
    assert server_figures(no_index, "battles", key) == {"error": "no supporting index"}
    older: Any = OneCommand(OperationFailure("x", 59, {"errmsg": "no such command"}))
    assert server_figures(older, "battles", key) is None
