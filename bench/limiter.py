"""The rate limiter beside a bare PING on the same Valkey, and what it adds to a request.

``python -m bench.limiter``. What is compared is timed in turns, so that a busy moment of the machine meets all alike.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bench.measure import Timing, of_sorted
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


def report(name: str, timing: Timing, bare: Timing) -> None:
    ratio = f"{timing.p50 / bare.p50:5.2f} x PING at p50, {timing.p99 / bare.p99:5.2f} x at p99"
    click.echo(f"  {name:<44} {timing}   {ratio}")


def in_turns(calls: Mapping[str, Callable[[str], object]], arguments: Iterable[str]) -> dict[str, Timing]:
    """As ``timed``, of several calls."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for argument in arguments:
        for name, call in calls.items():
            started = time.perf_counter()
            call(argument)
            taken[name].append((time.perf_counter() - started) * 1000)
    return {name: of_sorted(sorted(each)) for name, each in taken.items()}


def measure_limiter(door: RedisDoor, calls: int) -> None:
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
    click.echo("the limiter, one round trip each where it counts in Valkey")
    for name, timing in found.items():
        report(name, timing, found["PING"])


def measure_requests(uri: str, calls: int) -> None:
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
    click.echo("a whole request through the app (404, nothing else done)")
    for name, timing in found.items():
        click.echo(f"  {name:<44} {timing}   + {timing.p50 - found['limits off'].p50:.3f} ms at p50")
    for one in arenas.values():
        one.arena().close()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--calls", type=click.IntRange(min=100), default=5000, show_default=True, help="Of each kind.")
def main(calls: int) -> None:
    """Time the rate limiter beside a bare PING, and requests with and without it."""
    try:
        with server() as uri:
            door = RedisDoor.from_urls([uri])
            measure_limiter(door, calls)
            door.close()
            measure_requests(uri, calls)
    except KeyboardInterrupt:
        click.echo("interrupted; the server is stopped", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main(standalone_mode=True)
