"""What a request costs before and after its handler: ``python -m bench.middleware``.

The same POST goes in turns through a bare Chalice route and through the arena's, put together from its own parts with
one more of them each time; the handlers do nothing. The log's lines go to /dev/null.
"""

import contextlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

import click
from chalice.app import Chalice
from pymongo import MongoClient

from bench.leaderboard import servers
from bench.measure import Budget, Report, Row, ended_by_ctrl_c, json_option
from bench.metrics import Bare, Counting, Fixed, request
from chalicelib import wiring
from chalicelib.arena.rate_limits import RateLimits
from chalicelib.cache.door import PATIENT, RedisDoor
from chalicelib.data.indexes import ensure_indexes
from chalicelib.entrypoints.cors import add_preflight
from chalicelib.entrypoints.http import Call, Routes, refuse_unrouted
from chalicelib.entrypoints.incoming import current_request
from chalicelib.entrypoints.validation import Boolean, ObjectIdText, Schema, Text
from chalicelib.observability import logger
from chalicelib.settings import load

SEED: Final = 1
WARM_UP: Final = 100
BUDGET: Final = Budget(at_most=1.0)
FIELDS: Schema = {
    "requestId": Text(required=True, min_length=1, max_length=128),
    "brokerId": ObjectIdText(required=True),
    "autoClaim": Boolean(),
}
SENT: Final = {"requestId": "bench", "brokerId": "6b042290b0d099afb79631db", "autoClaim": True}
CHAIN: Final = "the arena's chain"
PING: Final = "PING"


class Unlimited(Bare):
    """Measures nothing and limits nobody."""

    @cached_property
    def rate_limits(self) -> RateLimits | None:
        return None


class Counted(Counting):
    """Measures, and limits nobody."""

    @cached_property
    def rate_limits(self) -> RateLimits | None:
        return None


@dataclass(frozen=True)
class Contestant:
    """A request through ``app`` to ``path``, in ``arena``'s environment, with the log at ``level``."""

    app: Any
    path: str
    arena: wiring.Arena | None = None
    level: str = "CRITICAL"
    degraded: list[str] = field(default_factory=list)
    """Paths of answers for which Redis was not asked, or not in time: they have no round trip."""

    def prepare(self, turn: int) -> Callable[[], object]:
        """Each turn's request is of another client: nobody is refused."""
        wiring.install(None if self.arena is None else Fixed(self.arena))
        logger().setLevel(self.level)
        event = request(self.path)
        event["httpMethod"] = event["requestContext"]["httpMethod"] = "POST"
        event["requestContext"]["identity"] = {"sourceIp": f"198.18.{turn // 250}.{turn % 250}"}
        event["headers"]["content-type"] = "application/json"
        event["body"] = json.dumps(SENT)
        return partial(self._answered, event)

    def _answered(self, event: dict[str, Any]) -> None:
        answer = self.app(event, None)
        if answer["statusCode"] != HTTPStatus.OK:
            raise RuntimeError(answer["body"])
        if "X-RateLimit-Degraded" in answer["headers"]:
            self.degraded.append(self.path)


def bare() -> Chalice:
    """A route as Chalice's documentation has it."""
    app = Chalice(app_name="bare", configure_logs=False)

    @app.route("/bare", methods=["POST"])
    def answer() -> dict[str, Any]:
        return {"requestId": current_request(app).json_body["requestId"]}

    return app


def composed() -> Chalice:
    """Routes that do nothing, in an application put together as app.py is."""
    app, routes = Chalice(app_name="composed", configure_logs=False), Routes(__name__)

    def answer(call: Call) -> dict[str, Any]:
        return {"requestId": call.sent.get("requestId", "")}

    routes.route("POST", "/standalone", standalone=True)(answer)
    routes.route("POST", "/unread")(answer)
    routes.route("POST", "/read", body=FIELDS)(answer)
    app.register_blueprint(routes.blueprint)
    add_preflight(app)
    refuse_unrouted(app)
    return app


@contextlib.contextmanager
def contestants(mongo_uri: str, redis_url: str) -> Iterator[dict[str, Contestant]]:
    """Each with one part more than the one before it."""
    settings = load(
        {
            **{"APP_ENV": "dev", "TELEGRAM_BOT_TOKEN": "1:bench", "BATTLE_SEED_SECRET": "bench"},
            **{"MONGO_URI": mongo_uri, "MONGO_DATABASE": "bench", "REDIS_URL": redis_url},
        }
    )
    unmeasured, counted, whole = Unlimited(settings), Counted(settings), wiring.Arena(settings)
    app = composed()
    try:
        yield {
            "a bare Chalice route": Contestant(bare(), "/bare"),
            "+ ids, envelope, headers, errors": Contestant(app, "/standalone"),
            "+ the environment, origins": Contestant(app, "/unread", unmeasured),
            "+ body and fields validated": Contestant(app, "/read", unmeasured),
            "+ metrics": Contestant(app, "/read", counted),
            "+ the log's line": Contestant(app, "/read", counted, "INFO"),
            CHAIN: Contestant(app, "/read", whole, "INFO"),
        }
    finally:
        wiring.install(None)
        for arena in (unmeasured, counted, whole):
            arena.close()


@dataclass(frozen=True)
class Taken:
    """Milliseconds of calls: by the clock, and this process's own processor time."""

    clock: list[float]
    processor: list[float]


def in_turns(
    given: Mapping[str, Contestant], calls: int, others: Mapping[str, Callable[[], object]]
) -> dict[str, Taken]:
    """The calls of each, in an order drawn anew each turn."""
    draw, taken = random.Random(SEED), {name: Taken([], []) for name in (*given, *others)}
    for turn in range(WARM_UP + calls):
        for name in draw.sample(list(taken), len(taken)):
            call = given[name].prepare(turn) if name in given else others[name]
            processor, clock = time.process_time(), time.perf_counter()
            call()
            clock, processor = time.perf_counter() - clock, time.process_time() - processor
            if turn >= WARM_UP:
                taken[name].clock.append(clock * 1000)
                taken[name].processor.append(processor * 1000)
    return taken


def told(report: Report, title: str, taken: Mapping[str, Taken]) -> None:
    """Rows beside the bare route; each part's share; what the budget is for: all of it but the round trip."""
    report.section(title)
    first: Row | None = None
    for name, found in taken.items():
        row = report.row(name, [found.clock], beside=first if name != PING else None)
        first = first or row
    names = [name for name in taken if name != PING]
    report.section(f"{title}: what each part adds, in the middle of turns")
    for before, name in pairwise(names):
        part = "+ the limiter, flushes of metrics" if name == CHAIN else name
        report.figure(part, _more(taken[name].clock, taken[before].clock), "ms")
    whole, bare_route = taken[CHAIN], taken[names[0]]
    more = _more(whole.clock, bare_route.clock)
    report.figure(f"{CHAIN} in all", more, "ms")
    trip = median(taken[PING].clock) if PING in taken else 0.0
    report.figure("without a round trip", more - trip, "ms", budget=BUDGET)
    processor = _more(whole.processor, bare_route.processor)
    report.figure("its processor time, the round trip's included", processor, "ms", budget=BUDGET)


def _more(samples: list[float], others: list[float]) -> float:
    return median(one - other for one, other in zip(samples, others, strict=True))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--calls", type=click.IntRange(min=100), default=2000, show_default=True, help="Of each kind.")
@json_option
def main(calls: int, json_file: Path | None) -> None:
    """Time the arena's chain around a handler, part by part, with Redis and without."""
    os.environ["LOG_LEVEL"] = "INFO"
    report = Report("middleware", {"calls": calls, "seed": SEED})
    with ended_by_ctrl_c("the servers are stopped"), contextlib.ExitStack() as held:
        nowhere = held.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        with contextlib.redirect_stdout(nowhere):
            logger()
        mongo_uri, redis_url = held.enter_context(servers())
        with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
            ensure_indexes(client["bench"])
        door = held.enter_context(contextlib.closing(RedisDoor.from_urls([redis_url], limits=PATIENT)))
        with contestants(mongo_uri, redis_url) as given:
            told(report, "with Redis", in_turns(given, calls, {PING: lambda: door.execute("PING")}))
            report.figure("answers Redis was not in time for", len(given[CHAIN].degraded))
        with contestants(mongo_uri, "") as given:
            told(report, "without Redis", in_turns(given, calls, {}))
    report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
