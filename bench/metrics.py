"""What measuring costs a request, and what telling the region costs the one that does: ``python -m bench.metrics``.

The same requests go through the Chalice application in turns to three environments on the same servers: one that
measures nothing, one that counts and never tells, and the arena as it is. One request in ``FLUSH_SECONDS`` carries a
flush; flushes are timed by themselves as well, since a median never shows them.
"""

import math
import os
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any, cast

import click
from pymongo import MongoClient

from bench.leaderboard import servers
from bench.measure import Report, Row, json_option, timed
from chalicelib import wiring
from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.pools import Pools
from chalicelib.data.seed import seed_defaults
from chalicelib.monitoring.meters import Meters
from chalicelib.monitoring.ports import NoMeter
from chalicelib.monitoring.reports import FLUSH_SECONDS
from chalicelib.monitoring.usage import Identity
from chalicelib.settings import Settings, load
from chalicelib.wiring.database import pools

SEED = 1
ROUTES = ("/api/game-modes", "/api/brokers/mine")
RATES = (100.0, 10.0, 1.0, 0.1)
"""Requests per second of one environment; above, it has no time left."""
BARE = "without"
WARM_UP = 50
COUNTED = 1_000
FLUSHES = 300
COMMANDS = 50
ROUNDS = 60


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

    def served(self, _player: str) -> None:
        pass

    def answered(self, _route: str, _status: int) -> None:
        pass

    def close(self) -> None:
        pass


class Bare(wiring.Arena):
    """Measures nothing: not even the database's driver has listeners."""

    @cached_property
    def meters(self) -> Meters:
        return cast(Meters, Unmeasured())

    @cached_property
    def pools(self) -> Pools:
        return pools(self.settings, None)


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


def in_turns(app: Any, arenas: Mapping[str, wiring.Arena], path: str, calls: int) -> dict[str, list[float]]:
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
    return taken


def compared(report: Report, path: str, taken: Mapping[str, list[float]]) -> None:
    """Each beside the bare one, and what it is more in the same turn, in the middle."""
    bare: Row | None = None
    for name in sorted(taken, key=lambda name: name != BARE):
        row = report.row(f"GET {path}, {name}", [taken[name]], beside=bare)
        if bare is not None:
            more = median(one - other for one, other in zip(taken[name], taken[BARE], strict=True))
            report.figure("  more in a turn", more * 1000, "us")
        bare = bare or row


def counting_alone(arena: wiring.Arena) -> float:
    """Microseconds of the processor that counting one request takes, at best."""
    best = math.inf
    for _ in range(20):
        started = time.process_time()
        for _ in range(COUNTED):
            arena.meters.begin().answered(f"GET {ROUTES[0]}", HTTPStatus.OK)
        best = min(best, time.process_time() - started)
    return best / COUNTED * 1_000_000


def listening_alone(arenas: Mapping[str, wiring.Arena]) -> float:
    """Microseconds of the processor that a database command takes more with listeners, in the middle of turns."""
    clients = {name: arenas[name].pools.client("primary").admin for name in (BARE, "counting")}
    taken: dict[str, list[float]] = {name: [] for name in clients}
    for _ in range(ROUNDS):
        for name, admin in clients.items():
            started = time.process_time()
            for _ in range(COMMANDS):
                admin.command("ping")
            taken[name].append(time.process_time() - started)
    more = median(one - other for one, other in zip(taken["counting"], taken[BARE], strict=True))
    return more / COMMANDS * 1_000_000


def flushes(arena: wiring.Arena) -> list[float]:
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


def mean_cost(flush: Row, rate: float) -> float:
    """Milliseconds per request: one in so many carries a flush, and all do when they come seldom."""
    return flush.median * min(1.0, 1 / (FLUSH_SECONDS * rate))


@contextmanager
def environments(settings: Settings) -> Iterator[dict[str, wiring.Arena]]:
    arenas = {BARE: Bare(settings), "counting": Counting(settings), "with": wiring.Arena(settings)}
    try:
        yield arenas
    finally:
        wiring.install(None)
        for arena in arenas.values():
            arena.close()


def bench(report: Report, app: Any, place: str, settings: Settings, calls: int) -> None:
    with environments(settings) as arenas:
        report.section(f"region's state in {place}")
        report.figure("counting a request, processor time", counting_alone(arenas["counting"]), "us")
        report.figure("hearing of a database command, more", listening_alone(arenas), "us")
        for path in ROUTES:
            compared(report, path, in_turns(app, arenas, path, calls))
        flush = report.row("one flush", [flushes(arenas["with"])])
        for rate in RATES:
            report.figure(f"flushes of a request on average at {rate:g}/s", mean_cost(flush, rate) * 1000, "us")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--calls", default=1_000, show_default=True, help="How often each request is sent to each environment.")
@json_option
def main(calls: int, json_file: Path | None) -> None:
    """Request times with metrics and without, side by side."""
    os.environ["LOG_LEVEL"] = "ERROR"
    from app import app

    report = Report("metrics", {"calls": calls, "seed": SEED})
    with servers() as (mongo_uri, redis_url):
        with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
            for name in ("metrics_redis", "metrics_mongo"):
                ensure_indexes(client[name])
                seed_defaults(client[name], system_clock())
        bench(report, app, "Redis", settings_for(mongo_uri, redis_url, "metrics_redis"), calls)
        bench(report, app, "MongoDB", settings_for(mongo_uri, "", "metrics_mongo"), calls)
    report.write(json_file)


if __name__ == "__main__":
    main()
