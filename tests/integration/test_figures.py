"""Operators see a region in numbers over HTTP: with Redis, without, and without the Redis there should be."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.database import Database

import app as composition
from chalicelib import wiring
from chalicelib.clock import ManualClock
from chalicelib.entrypoints import scheduled
from chalicelib.monitoring.history import HISTORY_SHOWN_MAX
from chalicelib.monitoring.reports import REPORT_SECONDS
from tests.gateway import Answer, call
from tests.http_arena import SCHEDULED, Caller, fight, start
from tests.installed import OPERATOR, QueueingArena, installed_arena
from tests.localstack.running import eventually

WAYS = ("instances", "history", "database", "cache")
Ask = Callable[..., Answer]


@pytest.fixture(params=["with redis", "without"])
def redis_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("valkey_url")) if request.param == "with redis" else ""


@pytest.fixture
def arena(
    redis_url: str, mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock
) -> Iterator[QueueingArena]:
    with installed_arena(mongo_uri, database, clock, REDIS_URL=redis_url, ARENA_RATE_LIMITS="on") as arena:
        yield arena


@pytest.fixture
def ask(arena: wiring.Arena) -> Ask:
    token = call(composition.app, "POST", "/api/admin/auth/login", OPERATOR).data["token"]
    return lambda way: call(composition.app, "GET", f"/api/ops/{way}", headers={"authorization": f"Bearer {token}"})


def minute(arena: wiring.Arena, clock: ManualClock) -> None:
    """A minute passes, and its work is told and published."""
    clock.advance(60)
    eventually(arena.meters.flush)
    scheduled.metrics(SCHEDULED, None)


def test_one_region_s_minute_in_numbers(
    arena: QueueingArena, ask: Ask, player: Caller, clock: ManualClock, redis_url: str
) -> None:
    broker = start(player)
    minute(arena, clock)
    body = {"requestId": "once", "brokerId": broker}
    battle = player("POST", "/api/battle/run", body).data
    assert player("POST", "/api/battle/run", body).data["_id"] == battle["_id"]
    for _ in range(3):
        assert player("GET", "/api/game-modes").status == 200
    arena.scaling.evaluate()
    minute(arena, clock)

    instances = ask("instances").data
    (own,) = instances["instances"]
    assert (own["instanceId"], own["region"]) == (arena.meters.instance, "us-east-1")
    assert own["memory"]["used"] > 1_000_000
    assert own["network"]["connections"] >= 1
    assert own["database"]["connections"] >= 1
    assert instances["aggregate"]["instances"] == 1
    assert set(instances["unavailable"]) >= {"cpu.usage", "cpu.cores", "memory.external", "network.bytesTransferred"}

    first, second = ask("history?minutes=2").data["points"]
    assert (first["at"], second["at"]) == ("2026-11-23T12:01:00.000Z", "2026-11-23T12:02:00.000Z")
    assert (first["requestsPerSecond"], first["provisioned"]) == (None, None)
    assert second["requestsPerSecond"] >= 5 / 60
    assert second["battlesPerSecond"] == [{"arena": "prediction", "league": "rookie", "perSecond": 1 / 60}]
    assert (second["provisioned"], second["ready"], second["queuedBattles"]) == (5, 5, 0)
    assert ask("history?minutes=1").data["points"] == [second]

    found = ask("database").data
    assert found["answers"] is True
    primary = found["pools"][0]
    assert (primary["pool"], primary["maxSize"], primary["environments"]) == ("primary", 2, 1)
    assert primary["maxSize"] >= primary["open"] >= primary["inUse"] >= 0
    commits = next(one for one in found["commands"] if one["command"] == "commitTransaction")
    assert commits["total"] >= 2
    assert commits["perSecond"] > 0
    assert 0 < commits["p50Seconds"] <= commits["p99Seconds"]

    cache = ask("cache").data
    limits = {one["limit"]: one["admitted"] for one in cache["limits"]}
    assert limits["api"] > 0
    assert (cache["configured"], cache["answers"]) == (bool(redis_url), bool(redis_url))
    assert bool(cache["nodes"]) == bool(cache["commands"]) == bool(redis_url)
    if redis_url:
        assert cache["nodes"][0]["memoryBytes"] == instances["aggregate"]["cache"]["memoryUsage"]


def test_an_environment_that_is_silent_for_a_minute_is_gone_and_what_it_counted_is_not(
    arena: QueueingArena, ask: Ask, player: Caller, clock: ManualClock
) -> None:
    fight(player, start(player))
    eventually(arena.meters.flush)
    before = ask("database").data
    clock.advance(REPORT_SECONDS)
    assert ask("instances").data["instances"] == []
    after = ask("database").data
    assert [pool["environments"] for pool in after["pools"]] == [0, 0, 0]
    assert after["commands"] == before["commands"]


@pytest.mark.parametrize("minutes", ["0", str(HISTORY_SHOWN_MAX + 1), "soon"])
def test_history_is_asked_for_in_minutes(ask: Ask, minutes: str) -> None:
    assert ask(f"history?minutes={minutes}").status == 400


def test_closed_where_no_operator_is_configured(
    mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock
) -> None:
    nobody = dict.fromkeys(("ADMIN_JWT_SECRET", "ADMIN_EMAIL", "ADMIN_PASSWORD_HASH"), "")
    with installed_arena(mongo_uri, database, clock, **nobody):
        assert {call(composition.app, "GET", f"/api/ops/{way}").status for way in WAYS} == {404}


def test_without_its_redis_what_is_not_known_is_not_made_up(
    mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock
) -> None:
    with installed_arena(mongo_uri, database, clock, REDIS_URL="redis://127.0.0.1:1/0"):
        token = call(composition.app, "POST", "/api/admin/auth/login", OPERATOR).data["token"]
        told = {
            way: call(composition.app, "GET", f"/api/ops/{way}", headers={"authorization": f"Bearer {token}"})
            for way in WAYS
        }
    assert {told[way].error["code"] for way in ("instances", "history")} == {"metrics_unavailable"}
    assert told["history"].headers["retry-after"] == "1"
    cache, found = told["cache"].data, told["database"].data
    assert (cache["configured"], cache["answers"], cache["breakersOpen"], cache["commands"]) == (True, False, None, [])
    assert (found["answers"], found["errorsTotal"], found["pools"][0]["open"]) == (True, None, None)
