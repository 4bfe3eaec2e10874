"""The rate limiter beside a bare PING on the same Valkey, and what it adds to a request.

``python -m bench.limiter``. What is compared is timed in turns, so that a busy moment of the machine meets all alike.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bench.measure import Report, Row, ended_by_ctrl_c, json_option
from chalicelib.arena.rate_limits import limits_by_class
from chalicelib.cache.door import RedisDoor
from chalicelib.cache.errors import CacheUnavailable
from chalicelib.cache.limiter import Limiter
from chalicelib.clock import system_clock
from localcloud.ports import free_ports
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from localcloud.valkey import Valkey

ENVIRONMENTS_MAX = 20
UNBOUND = 1_000_000
"""Requests a minute: nothing is refused for it."""


@contextmanager
def server() -> Iterator[str]:
    """A Valkey's URI, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as directory:
        state = StateDir(Path(directory))
        with Supervisor(state, log=lambda _: None) as supervisor:
            valkey = Valkey(free_ports(1)[0])
            supervisor.start([valkey.server(state)])
            yield valkey.uri


def limiter_on(door: RedisDoor | None) -> Limiter:
    def fail(error: CacheUnavailable) -> None:
        raise RuntimeError(f"counted without Redis: {error.reason}")

    most = 1 if door is None else ENVIRONMENTS_MAX
    return Limiter(door, "bench", system_clock, environment_id="bench", environments_max=most, fell_back=fail)


def in_turns(calls: Mapping[str, Callable[[str], object]], arguments: Iterable[str]) -> dict[str, list[float]]:
    """As ``timed``, of several calls."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for argument in arguments:
        for name, call in calls.items():
            started = time.perf_counter()
            call(argument)
            taken[name].append((time.perf_counter() - started) * 1000)
    return taken


def rows(report: Report, found: Mapping[str, list[float]]) -> None:
    """Each beside the first."""
    first: Row | None = None
    for name, samples in found.items():
        row = report.row(name, [samples], beside=first)
        first = first or row


def measure_limiter(report: Report, door: RedisDoor, calls: int) -> None:
    limits = limits_by_class("production", UNBOUND)
    clients = [f"198.18.{number // 250}.{number % 250}" for number in range(calls)]
    shared, alone = limiter_on(door), limiter_on(None)
    shared.admit(limits["api"], "warm-up")
    found = in_turns(
        {
            "PING": lambda _: door.execute("PING"),
            "two limits of an address, seen first": lambda who: shared.admit(limits["api"], who),
            "two limits of an address, seen before": lambda who: shared.admit(limits["api"], who),
            "one limit of a player": lambda who: shared.admit(limits["battle"][2:], who),
            "two limits, counted in this process": lambda who: alone.admit(limits["api"], who),
        },
        clients,
    )
    report.section("the limiter, one round trip each where it counts in Valkey")
    rows(report, found)


def measure_requests(report: Report, uri: str, calls: int) -> None:
    """A request that needs nothing else: an unknown path, counted as any other."""
    import logging

    import app as composition
    from chalicelib import wiring

    logging.disable(logging.WARNING)

    def event(who: str) -> dict[str, Any]:
        context = {"resourcePath": "/{proxy+}", "httpMethod": "GET", "identity": {"sourceIp": who}}
        return {
            **{"requestContext": context, "pathParameters": {"proxy": "nope"}, "stageVariables": None},
            **{"headers": {}, "multiValueQueryStringParameters": None, "body": None, "isBase64Encoded": False},
        }

    def arena(limits: str, redis_url: str) -> wiring.Wiring:
        settings = {
            **{"APP_ENV": "dev", "ARENA_RATE_LIMITS": limits, "RATE_LIMIT_PER_MINUTE": str(UNBOUND)},
            **{"MONGO_URI": "mongodb://127.0.0.1:1", "REDIS_URL": redis_url},
            **{"TELEGRAM_BOT_TOKEN": "bench", "BATTLE_SEED_SECRET": "bench"},
        }
        return wiring.Wiring(settings)

    def through(arena: wiring.Wiring) -> Callable[[str], object]:
        def answer(who: str) -> object:
            wiring.install(arena)
            return composition.app(event(who), None)

        answer("198.18.255.255")
        return answer

    arenas = {
        "limits off": arena("off", ""),
        "on, counted in this process": arena("on", ""),
        "on, counted in Valkey": arena("on", uri),
    }
    clients = [f"198.19.{number // 250}.{number % 250}" for number in range(calls)]
    found = in_turns({name: through(arena) for name, arena in arenas.items()}, clients)
    report.section("a whole request through the app (404, nothing else done)")
    rows(report, found)
    for one in arenas.values():
        one.arena().close()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--calls", type=click.IntRange(min=100), default=5000, show_default=True, help="Of each kind.")
@json_option
def main(calls: int, json_file: Path | None) -> None:
    """Time the rate limiter beside a bare PING, and requests with and without it."""
    report = Report("limiter", {"calls": calls})
    with ended_by_ctrl_c("the server is stopped"), server() as uri:
        door = RedisDoor.from_urls([uri])
        measure_limiter(report, door, calls)
        door.close()
        measure_requests(report, uri, calls)
    report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
