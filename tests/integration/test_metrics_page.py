"""The metrics page over HTTP: one region, several environments, with Redis and without."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.app import Chalice
from prometheus_client.parser import text_string_to_metric_families
from pymongo.database import Database

from chalicelib import wiring
from chalicelib.clock import ManualClock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from chalicelib.entrypoints import scheduled
from chalicelib.monitoring.aggregation import AGAIN_SECONDS_MIN
from chalicelib.settings import load
from tests.gateway import call
from tests.http_arena import SCHEDULED, Caller, start
from tests.installed import Fixed
from tests.localstack.running import eventually
from tests.unhurried import UnhurriedArena
from tests.unit.test_settings import DEVELOPMENT

NewEnvironment = Callable[..., wiring.Arena]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(params=["with redis", "without"])
def redis_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("valkey_url")) if request.param == "with redis" else ""


@pytest.fixture
def environment(
    redis_url: str, mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock
) -> Iterator[NewEnvironment]:
    """Makes another execution environment of the region and puts it behind the API."""
    ensure_indexes(database)
    seed_defaults(database, clock())
    made: list[wiring.Arena] = []

    def make(**environ: str) -> wiring.Arena:
        stores = {"MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": redis_url}
        made.append(UnhurriedArena(load({**DEVELOPMENT, **stores, **environ}), clock=clock))
        wiring.install(Fixed(made[-1]))
        return made[-1]

    yield make
    wiring.install(None)
    for arena in made:
        arena.close()


@pytest.fixture
def arena(environment: NewEnvironment) -> wiring.Arena:
    return environment(ARENA_WEBSOCKET_ENDPOINT="http://sockets.test/api")


def page(api: Chalice) -> Samples:
    answer = call(api, "GET", "/metrics")
    assert answer.status == 200
    families = list(text_string_to_metric_families(answer.text))
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def test_any_environment_tells_what_all_of_them_counted(
    player: Caller, api: Chalice, arena: wiring.Arena, environment: NewEnvironment, clock: ManualClock
) -> None:
    start(player)
    for _ in range(3):
        assert player("GET", "/api/brokers/mine").status == 200
    assert player("GET", "/api/battle/no-such").status == 404
    assert call(api, "GET", "/no/such/path").status == 404
    eventually(arena.meters.flush)
    second = environment()
    assert player("GET", "/api/brokers/mine").status == 200
    eventually(second.meters.flush)

    environment()
    found = page(api)
    requests = "aiba_http_requests_total"
    assert value(found, requests, route="GET /api/brokers/mine", status="2xx") == 4
    assert value(found, requests, route="GET /api/battle/{requestId}", status="4xx") == 1
    assert value(found, requests, route="GET /{proxy+}", status="4xx") == 1
    count = "aiba_processing_latency_seconds_count"
    own = [
        sample
        for (name, labels), sample in found.items()
        if name == count and ("operation", "GET /api/brokers/mine") in labels
    ]
    assert sorted(own) == [1, 3]
    assert value(found, "aiba_region_processing_latency_seconds_count", operation="GET /api/brokers/mine") == 4
    assert sum(number for (name, _), number in found.items() if name == "aiba_instances") == 2

    clock.advance(60)
    found = page(api)
    assert value(found, requests, route="GET /api/brokers/mine", status="2xx") == 4
    assert not [key for key in found if key[0].startswith(("aiba_request_rate", "aiba_active"))]


def test_the_schedule_publishes_what_no_environment_knows(
    player: Caller,
    api: Chalice,
    arena: wiring.Arena,
    clock: ManualClock,
    redis_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arena.live.connect("c1", "777")
    start(player)
    assert scheduled.metrics(SCHEDULED, None)["instances"] == 1
    clock.advance(AGAIN_SECONDS_MIN)
    for _ in range(15):
        player("GET", "/api/brokers/mine")
    eventually(arena.meters.flush)
    capsys.readouterr()
    report = scheduled.metrics(SCHEDULED, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"_aws"')]
    assert report["published"] == len(lines)
    assert lines[0]["RequestRate"] == 0.5
    assert lines[0]["ActiveConnections"] >= 1

    found = page(api)
    assert value(found, "aiba_active_connections", instance="websocket-gateway") == 1
    assert value(found, "aiba_region_request_rate") == 0.5
    memory = [number for (name, _), number in found.items() if name == "aiba_cache_memory_used_bytes"]
    commands = [number for (name, labels), number in found.items() if name == "aiba_cache_commands_total"]
    if redis_url:
        assert len(memory) == 1
        assert memory[0] > 100_000
        assert sum(commands) > 0
    else:
        assert memory == commands == []
    assert scheduled.metrics(SCHEDULED, None)["published"] == 0


def test_limits_count_what_they_admit_and_refuse(api: Chalice, environment: NewEnvironment) -> None:
    arena = environment(ARENA_RATE_LIMITS="on", RATE_LIMIT_PER_MINUTE="2")
    for status in (200, 200, 429):
        assert call(api, "GET", "/api/game-modes").status == status
    eventually(arena.meters.flush)
    found = page(api)
    decisions = "aiba_limiter_decisions_total"
    # Alone, without Redis, a tier of one environment has the whole limit: its count is exact.
    assert value(found, decisions, limit="global", decision="admitted", degraded="false") == 2
    assert value(found, decisions, limit="global", decision="refused", degraded="false") == 1
    assert value(found, "aiba_http_requests_total", route="GET /api/game-modes", status="4xx") == 1


def test_without_its_redis_the_page_comes_and_the_players_are_served(
    mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock, player: Caller, api: Chalice
) -> None:
    ensure_indexes(database)
    seed_defaults(database, clock())
    stores = {"MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": "redis://127.0.0.1:1/0"}
    lost = UnhurriedArena(load({**DEVELOPMENT, **stores}), clock=clock)
    wiring.install(Fixed(lost))
    try:
        start(player)
        found = page(api)
    finally:
        wiring.install(None)
        lost.close()
    assert value(found, "aiba_dependency_up", dependency="redis") == 0
    assert value(found, "aiba_dependency_up", dependency="mongodb") == 1
    assert not [name for name, _ in found if name.startswith(("aiba_http", "aiba_instance", "aiba_active"))]
