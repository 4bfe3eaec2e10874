"""The wire contract, one exchange per row of the game's facts: status, code, shape and headers."""

import re
import uuid
from collections.abc import Iterator
from typing import Any, Final

import pytest
from pymongo import MongoClient
from pymongo.database import Database

import app as composition
from chalicelib import wiring
from chalicelib.clock import ManualClock
from tests.installed import SEVERAL_REGIONS, installed_arena
from tests.integration.transcript import (
    authentication,
    battle_queue,
    battle_run,
    brokers,
    failover,
    figures,
    guilds,
    history,
    homes,
    leaderboard,
    operating,
    operators,
    public,
    rate_limits,
    regions,
    replication,
    scaling,
    verification,
    wire,
)
from tests.integration.transcript.exchange import CALL_ID, Exchange, Scene, signed_in
from tests.worlds import NOON

EXCHANGES: Final[tuple[Exchange, ...]] = (
    *wire.EXCHANGES,
    *battle_run.EXCHANGES,
    *brokers.EXCHANGES,
    *figures.EXCHANGES,
    *authentication.EXCHANGES,
    *public.EXCHANGES,
    *leaderboard.EXCHANGES,
    *guilds.EXCHANGES,
    *homes.EXCHANGES,
    *battle_queue.EXCHANGES,
    *history.EXCHANGES,
    *operating.EXCHANGES,
    *failover.EXCHANGES,
    *operators.EXCHANGES,
    *rate_limits.EXCHANGES,
    *regions.EXCHANGES,
    *scaling.EXCHANGES,
    *replication.EXCHANGES,
    *verification.EXCHANGES,
)
SEEDED: Final = ("gamemodes", "economyconfigs")
ROWS_OF_BATTLE_RUN: Final = {f"3.{row}" for row in range(1, 16)}
WORDS: Final = {
    *("required", "minLength", "maxLength", "pattern", "enum", "number", "min", "max", "boolean", "objectId", "object"),
    *("array", "unknown"),
}
"""The game's, and ours."""


@pytest.fixture(scope="module")
def played(mongo_uri: str, mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Scene]:
    database = mongo_client[f"test_{uuid.uuid4().hex[:12]}"]
    clock = ManualClock(NOON)
    with installed_arena(mongo_uri, database, clock, ARENA_RATE_LIMITS="on", **SEVERAL_REGIONS) as arena:
        yield Scene(composition.app, database, clock, arena.messages)
    mongo_client.drop_database(database.name)


@pytest.fixture
def scene(played: Scene) -> Iterator[Scene]:
    """An arena as after its first start, with two players in it."""
    kept = {name: list(played.database[name].find()) for name in SEEDED}
    signed_in(played)
    played.messages.down = False
    played.messages.dead = {}
    # Built anew, with nothing counted: the clock stands still.
    vars(wiring.arena()).pop("rate_limits", None)
    vars(wiring.arena()).pop("cache_warming", None)
    yield played
    clear(played.database)
    for name, documents in kept.items():
        played.database[name].insert_many(documents)


def clear(database: Database[dict[str, Any]]) -> None:
    for name in database.list_collection_names(filter={"type": "collection"}):
        if not name.startswith("system."):
            database[name].delete_many({})


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.about)
def test_exchange(scene: Scene, exchange: Exchange) -> None:
    for prepare in exchange.given:
        prepare(scene)
    method, url = exchange.request.split(" ", 1)
    headers = dict(exchange.headers)
    if exchange.operator:
        headers["authorization"] = f"Bearer {scene.operator_token()}"
    answer = scene.send(method, url, exchange.body, exchange.user, **headers)
    assert answer.status == exchange.status, answer.text
    if exchange.answer is not None:
        assert answer.json == exchange.answer
    expected = {"x-request-id": CALL_ID, **exchange.answer_headers}
    if "x-request-id" in exchange.headers and "x-request-id" not in exchange.answer_headers:
        del expected["x-request-id"]
    if method != "OPTIONS":
        assert {name: answer.headers.get(name) for name in expected} == expected


def test_no_two_exchanges_are_about_the_same() -> None:
    abouts = [exchange.about for exchange in EXCHANGES]
    assert sorted(abouts) == sorted(set(abouts))


def test_every_row_of_the_battle_table_has_an_exchange() -> None:
    rows = {found[0] for exchange in EXCHANGES if (found := re.match(r"3\.\d+", exchange.about))}
    assert rows == ROWS_OF_BATTLE_RUN


def test_every_word_of_the_validator_has_an_exchange() -> None:
    said = {
        str(word).split(":")[0]
        for exchange in EXCHANGES
        if exchange.status == 400 and exchange.answer["error"]["code"] == "validation_error"
        for word in exchange.answer["error"]["details"].values()
    }
    assert said == WORDS


def pattern(path: str) -> str:
    return re.sub(r"\{\w+\}", "[^/]+", path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method.upper(), path)
        for path, operations in composition.documentation.document["paths"].items()
        for method in operations
        if path.startswith("/api/")
    ],
)
def test_every_documented_operation_has_an_exchange_that_succeeds(method: str, path: str) -> None:
    wanted = re.compile(rf"{method} {pattern(path)}(\?.*)?")
    assert any(exchange.status < 300 and wanted.fullmatch(exchange.request) for exchange in EXCHANGES)
