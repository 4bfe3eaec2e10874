"""A fleet of environments under load: processes that each hold one arena, as on Lambda, and what players saw.

Each environment fights battles and reads leaderboards for players who roam over all environments, as behind API
Gateway; sends requests of one crowded address; and works under one contended lock.
"""

import itertools
import os
import random
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event, Semaphore
from typing import Any, Literal

from chalicelib.arena.ports import Update
from chalicelib.data.fences import FencedUpdates
from chalicelib.data.operations import Operations
from chalicelib.errors import ArenaError
from chalicelib.locks import FencedOut, Held
from chalicelib.wiring import install
from tests.children import fork_server
from tests.gateway import call
from tests.installed import Fixed, init_data
from tests.watched import Kind, Record, Seen, Term, WatchedArena

LOCK = "drill"
LOG_COLLECTION = "drill"
TERM_SECONDS = 0.3
OVERSLEEPING = 0.1
"""The share of holders who work longer than their term."""
_READS = (
    "/api/leaderboard/my-rank?by=score",
    "/api/game-modes",
    "/api/leaderboard?by=aiba",
    "/api/leaderboard/around-me?by=score",
)
_THREADS = 2
_TICK_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an environment is to do. ``players``: telegram and broker ids."""

    number: int
    seed: int
    mongo_uri: str
    database: str
    redis_url: str
    crowd: str
    players: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Signals:
    """``go`` is cleared while the fleet pauses, which each thread acknowledges by ``idle``; ``end`` ends it.

    ``failures``: by environment, when a call of its cache last failed, seconds of the machine's monotonic clock.
    """

    go: Event
    idle: Semaphore
    end: Event
    failures: Any

    def wait(self) -> bool:
        """Whether to go on, after a pause if there is one."""
        if not self.go.is_set():
            self.idle.release()
            self.go.wait()
        return not self.end.is_set()


def environment(order: Order, signals: Signals, results: Connection) -> None:
    """The life of one environment."""
    # Every request would write a line.
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"

    def failed() -> None:
        signals.failures[order.number] = time.monotonic()

    arena = WatchedArena(order.mongo_uri, order.database, order.redis_url, failed)
    install(Fixed(arena))
    results.send("ready")
    locking = threading.Thread(target=_work_under_lock, args=(arena, order, signals))
    locking.start()
    threading.Thread(target=_notice_pauses, args=(arena.record,), daemon=True).start()
    try:
        _send_requests(arena, order, signals)
    finally:
        locking.join()
        arena.count_lookups()
        results.send(arena.record)
        install(None)
        arena.close()


def _notice_pauses(record: Record) -> None:
    while True:
        began = time.monotonic()
        time.sleep(_TICK_SECONDS)
        record.longest_pause = max(record.longest_pause, time.monotonic() - began - _TICK_SECONDS)


def _send_requests(arena: WatchedArena, order: Order, signals: Signals) -> None:
    import app as composition

    draw = random.Random(f"{order.seed} requests {order.number}")
    now = datetime.now(UTC)
    headers = {who: {"x-telegram-init-data": init_data(int(who), now)} for who, _ in order.players}
    reads = itertools.cycle(_READS)

    def send(kind: Kind, method: str, url: str, body: object, who: str | None) -> None:
        at = time.monotonic()
        address = order.crowd if who is None else address_of(int(who))
        answer = call(composition.app, method, url, body, None if who is None else headers[who], address)
        degraded = "x-ratelimit-degraded" in answer.headers
        seconds = time.monotonic() - at
        arena.record.requests.append(Seen(order.number, kind, at, seconds, answer.status, degraded))

    while signals.wait():
        who, broker = draw.choice(order.players)
        battle = {"requestId": str(uuid.UUID(int=draw.getrandbits(128))), "brokerId": broker, "modeKey": "drill"}
        send("battle", "POST", "/api/battle/run", battle, who)
        send("read", "GET", next(reads), None, who)
        send("crowd", "GET", "/api/comms/status", None, None)


def address_of(number: int) -> str:
    """Each player's own."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _work_under_lock(arena: WatchedArena, order: Order, signals: Signals) -> None:
    """Appends each term's fence to one log, under the fence; some holders oversleep their term."""
    draw = random.Random(f"{order.seed} lock {order.number}")
    updates = FencedUpdates(Operations(arena.pools, order.database))
    while signals.wait():
        held = _acquired(arena)
        if held is None:
            time.sleep(draw.uniform(0.002, 0.02))
            continue
        began = time.monotonic()
        # The first one always: on a busy machine there may be too few terms for chance to choose one.
        oversleeping = draw.random() < OVERSLEEPING or not arena.record.terms
        time.sleep(TERM_SECONDS * 1.5 if oversleeping else draw.uniform(0, 0.01))
        outcome = _write(updates, held)
        arena.record.terms.append(Term(held.fence, held.exclusive, began, time.monotonic(), outcome))
        held.release()


def _acquired(arena: WatchedArena) -> Held | None:
    """None as well where the database, busy, gives no fence: there is another turn."""
    try:
        return arena.locks.acquire(LOCK, seconds=TERM_SECONDS)
    except ArenaError:
        return None


def _write(updates: FencedUpdates, held: Held) -> Literal["written", "fenced out", "database busy"]:
    try:
        updates.update(held.guard, [Update(LOG_COLLECTION, {"_id": "log"}, {"$push": {"fences": held.fence}})])
    except FencedOut:
        return "fenced out"
    except ArenaError:
        return "database busy"
    return "written"


class Fleet:
    """The processes, from the side of whoever drives them."""

    def __init__(self, signals: Signals, pipes: Sequence[Connection]) -> None:
        self._signals = signals
        self._pipes = pipes
        self.records: list[Record] = []
        """Of each environment; only after ``finish``."""

    @property
    def record(self) -> Record:
        """Of all together."""
        together = Record()
        for record in self.records:
            together.add(record)
        return together

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No request is under way within the block."""
        self._signals.go.clear()
        self.wait_idle()
        yield
        self._signals.go.set()

    def wait_idle(self) -> None:
        """Until every thread waits to go on; each acknowledges a pause once."""
        for _ in range(len(self._pipes) * _THREADS):
            assert self._signals.idle.acquire(timeout=60), "an environment does not pause"

    def wait_undisturbed(self, quiet_seconds: float = 0.7, seconds: float = 90.0) -> float:
        """Until no call of the cache has failed anywhere for ``quiet_seconds``; when the last one did."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            last: float = max(self._signals.failures)
            if time.monotonic() - last > quiet_seconds:
                return last
            time.sleep(0.05)
        raise AssertionError("Redis is back, and the fleet does not use it")

    def finish(self) -> None:
        """Ends the load and gathers the records."""
        self._signals.end.set()
        self._signals.go.set()
        for pipe in self._pipes:
            assert pipe.poll(60), "an environment does not end"
            self.records.append(pipe.recv())


@contextmanager
def fleet(orders: Sequence[Order]) -> Iterator[Fleet]:
    """Environments at work until the fleet is told to ``finish``, or the block ends."""
    context = fork_server()
    failures = context.Array("d", len(orders))
    signals = Signals(context.Event(), context.Semaphore(0), context.Event(), failures)
    pipes, processes = [], []
    try:
        for order in orders:
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=environment, args=(order, signals, theirs), daemon=True)
            process.start()
            theirs.close()
            pipes.append(mine)
            processes.append(process)
        for pipe in pipes:
            assert pipe.poll(60), "an environment does not start"
            assert pipe.recv() == "ready"
        started = Fleet(signals, pipes)
        started.wait_idle()
        signals.go.set()
        yield started
    finally:
        for process in processes:
            # After ``finish`` it is at its end; where the block failed, nobody wants its record.
            process.kill()
            process.join()
