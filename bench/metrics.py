"""What measuring costs a request, and what telling the region costs the one that does: ``python -m bench.metrics``.

The same requests go through the Chalice application in turns to three environments on the same servers: one that
measures nothing, one that counts and never tells, and the arena as it is. One request in ``FLUSH_SECONDS`` carries a
flush; flushes are timed by themselves as well, since a median never shows them.
"""

import math
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from statistics import median
from typing import Any, cast

import click
from pymongo import MongoClient

from bench.leaderboard import servers
from bench.measure import Timing, timed
from chalicelib import wiring
from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from chalicelib.monitoring.meters import Meters
from chalicelib.monitoring.ports import NoMeter
from chalicelib.monitoring.reports import FLUSH_SECONDS
from chalicelib.monitoring.usage import Identity
from chalicelib.settings import Settings, load

SEED = 1
ROUTES = ("/api/game-modes", "/api/brokers/mine")
RATES = (100.0, 10.0, 1.0, 0.1)
"""Requests per second of one environment; above, it has no time left."""
BARE = "without"
WARM_UP = 50
COUNTED = 1_000
FLUSHES = 300


def _fail(error: Exception) -> None:
    raise error


class Unmeasured(NoMeter):
    """Stands where ``Meters`` do, and does nothing."""

    @property
    def registry(self) -> "Unmeasured":
        return self

    @property
    def meter(self) -> "Unmeasured":
        return self

    cache = None

    def begin(self) -> "Unmeasured":
        return self

    def answered(self, _route: str, _status: int) -> None:
        pass

    def close(self) -> None:
        pass


class Bare(wiring.Arena):
    """Measures nothing."""

    @cached_property
    def meters(self) -> Meters:
        return cast(Meters, Unmeasured())


class Counting(wiring.Arena):
    """Counts, and tells nobody."""

    @cached_property
    def meters(self) -> Meters:
        identity = Identity(instance="bench")
        return Meters(identity, None, self.clock, time.monotonic, failed=_fail)


class Fixed(wiring.Wiring):
    """A wiring around one given arena."""

    def __init__(self, arena: wiring.Arena) -> None:
        super().__init__({})
        self._given = arena

    def arena(self) -> wiring.Arena:
        return self._given


def settings_for(mongo_uri: str, redis_url: str, database: str) -> Settings:
    return load(
        {
            "APP_ENV": "dev",
            "ARENA_HEADER_AUTH": "true",
            "ARENA_RATE_LIMITS": "off",
            "TELEGRAM_BOT_TOKEN": "1:bench",
            "BATTLE_SEED_SECRET": "bench",
            "MONGO_URI": mongo_uri,
            "MONGO_DATABASE": database,
            "REDIS_URL": redis_url,
        }
    )


def request(path: str) -> dict[str, Any]:
    """What API Gateway sends."""
    return {
        "resource": path,
        "path": path,
        "httpMethod": "GET",
        "headers": {"x-telegram-id": "777", "x-telegram-username": "bench"},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": "GET",
            "path": path,
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


@dataclass(frozen=True, slots=True)
class Compared:
    """One environment's times, and what they are more than the bare one's in the same turn, in the middle."""

    timing: Timing
    more_microseconds: float


def in_turns(app: Any, arenas: Mapping[str, wiring.Arena], path: str, calls: int) -> dict[str, Compared]:
    """The same request to each environment, in an order drawn anew each turn."""
    draw, event = random.Random(SEED), request(path)
    wirings = {name: Fixed(arena) for name, arena in arenas.items()}
    taken: dict[str, list[float]] = {name: [] for name in arenas}
    for turn in range(WARM_UP + calls):
        for name in draw.sample(sorted(arenas), len(arenas)):
            wiring.install(wirings[name])
            started = time.perf_counter()
            answer = app(event, None)
            milliseconds = (time.perf_counter() - started) * 1000
            if answer["statusCode"] != HTTPStatus.OK:
                raise RuntimeError(answer["body"])
            if turn >= WARM_UP:
                taken[name].append(milliseconds)
    return {name: _compared(found, taken[BARE]) for name, found in taken.items()}


def _compared(found: list[float], bare: list[float]) -> Compared:
    more = median(one - other for one, other in zip(found, bare, strict=True))
    ordered = sorted(found)
    return Compared(Timing(ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]), more * 1000)


def counting_alone(arena: wiring.Arena) -> float:
    """Microseconds of the processor that counting one request takes, at best."""
    best = math.inf
    for _ in range(20):
        started = time.process_time()
        for _ in range(COUNTED):
            arena.meters.begin().answered(f"GET {ROUTES[0]}", HTTPStatus.OK)
        best = min(best, time.process_time() - started)
    return best / COUNTED * 1_000_000


def flushes(arena: wiring.Arena) -> Timing:
    """Each of something that was counted."""

    def flush(_number: int) -> None:
        if not arena.meters.flush():
            raise RuntimeError("not told")

    def counted() -> Iterator[int]:
        for number in range(FLUSHES):
            for route in ROUTES:
                arena.meters.begin().answered(f"GET {route}", 200)
            yield number

    return timed(flush, counted())


def mean_cost(flush: Timing, rate: float) -> float:
    """Milliseconds per request: one in so many carries a flush, and all do when they come seldom."""
    return flush.p50 * min(1.0, 1 / (FLUSH_SECONDS * rate))


@contextmanager
def environments(settings: Settings) -> Iterator[dict[str, wiring.Arena]]:
    arenas = {BARE: Bare(settings), "counting": Counting(settings), "with": wiring.Arena(settings)}
    try:
        yield arenas
    finally:
        wiring.install(None)
        for arena in arenas.values():
            arena.close()


def bench(app: Any, place: str, settings: Settings, calls: int, say: Callable[[str], None]) -> None:
    with environments(settings) as arenas:
        say(f"\nregion's state in {place}")
        say(f"  counting a request, processor time   {counting_alone(arenas['counting']):.1f} us")
        for path in ROUTES:
            for name, found in in_turns(app, arenas, path, calls).items():
                say(f"  GET {path:<22} {name:<9} {found.timing}   {found.more_microseconds:+7.0f} us")
        flush = flushes(arenas["with"])
        say(f"  one flush                            {flush}")
        told = ", ".join(f"{mean_cost(flush, rate) * 1000:.1f} us at {rate:g}/s" for rate in RATES)
        say(f"  flushes per request on average: {told}")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--calls", default=1_000, show_default=True, help="How often each request is sent to each environment.")
def main(calls: int) -> None:
    """Request times with metrics and without, side by side."""
    os.environ["LOG_LEVEL"] = "ERROR"
    from app import app

    with servers() as (mongo_uri, redis_url):
        with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
            for name in ("metrics_redis", "metrics_mongo"):
                ensure_indexes(client[name])
                seed_defaults(client[name], system_clock())
        bench(app, "Redis", settings_for(mongo_uri, redis_url, "metrics_redis"), calls, click.echo)
        bench(app, "MongoDB", settings_for(mongo_uri, "", "metrics_mongo"), calls, click.echo)


if __name__ == "__main__":
    main()
