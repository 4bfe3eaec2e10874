"""A replica set that loses its primary, and the environments that fight and read meanwhile."""

import os
import random
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from chalicelib.clock import ManualClock
from chalicelib.settings import load
from chalicelib.wiring import Arena, install
from localcloud.drill import Drill
from localcloud.mongod import ReplicaSet
from localcloud.ports import LOOPBACK, free_ports
from tests.children import fork_server
from tests.gateway import Answer, call
from tests.installed import Fixed, init_data
from tests.servers import supervised, without_expiry
from tests.unit.test_settings import DEVELOPMENT
from tests.waiting import looks
from tests.worlds import NOON

MODE = "drill"
COOLDOWN_SECONDS = 10
IMPATIENT = 0.25
"""The share of battles begun before the broker has rested."""
FAITHLESS = 0.5
"""The share of requests refused for want of a database that are never repeated."""
BOARD = "/api/leaderboard?by=aiba"
"""Read from the secondary pool."""
_THINKING_SECONDS = 0.02
"""Between two requests: eight clients without a pause leave two cores none for the database's own."""
_GLANCE_MILLISECONDS = 500
"""For a member that may be dead, and is asked again."""
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A request and its answer. Times are seconds of the machine's monotonic clock."""

    request_id: str
    began: float
    ended: float
    status: int
    error: str | None
    retry_after: str | None
    battle: str | None
    """The answered battle's ``_id``."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an environment is to do: fight with ``broker``, or read where there is none."""

    seed: str
    uri: str
    database: str
    telegram_id: int
    broker: str | None


class _Environment:
    """One process's arena behind the app, as on Lambda."""

    def __init__(self, order: Order) -> None:
        # A tier with secondaries: the pools' own read preferences.
        stores = {"MONGO_URI": order.uri, "MONGO_DATABASE": order.database, "REDIS_URL": ""}
        self._order = order
        self.clock = ManualClock(NOON)
        self.arena = Arena(load({**DEVELOPMENT, **stores, "ARENA_TIER": "production"}), clock=self.clock)

    def send(self, method: str, path: str, request_id: str = "", body: object = None) -> Seen:
        import app as composition

        signed = {"x-telegram-init-data": init_data(self._order.telegram_id, self.clock())}
        began = time.monotonic()
        answer = call(composition.app, method, path, body, signed)
        return _seen(request_id, began, answer)

    def fight(self, draw: random.Random, request_id: str, again: bool) -> Seen:
        if not again:
            self.clock.advance(COOLDOWN_SECONDS if draw.random() > IMPATIENT else COOLDOWN_SECONDS / 2)
        body = {"requestId": request_id, "brokerId": self._order.broker, "modeKey": MODE}
        return self.send("POST", "/api/battle/run", request_id, body)


def _seen(request_id: str, began: float, answer: Answer) -> Seen:
    ok = answer.status == 200
    return Seen(
        request_id=request_id,
        began=began,
        ended=time.monotonic(),
        status=answer.status,
        error=None if ok else str(answer.error["code"]),
        retry_after=answer.headers.get("retry-after"),
        battle=str(answer.data["_id"]) if ok and request_id else None,
    )


def environment(order: Order, end: Event, results: Connection) -> None:
    """The life of one environment: its answers are sent when it ends."""
    # Every request would write a line.
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    here, draw, seen = _Environment(order), random.Random(order.seed), list[Seen]()
    install(Fixed(here.arena))
    results.send("ready")
    request_id, again = "", False
    try:
        while not end.wait(_THINKING_SECONDS):
            if order.broker is None:
                seen.append(here.send("GET", BOARD))
                continue
            if not again:
                request_id = str(uuid.UUID(int=draw.getrandbits(128)))
            seen.append(here.fight(draw, request_id, again))
            again = seen[-1].status == 503 and draw.random() > FAITHLESS
    finally:
        results.send(seen)
        install(None)
        here.arena.close()


@dataclass
class Crew:
    """The environments at work. ``seen`` has each one's answers, after ``finish``."""

    end: Event
    pipes: Sequence[Connection]
    seen: list[list[Seen]] = field(default_factory=list)

    def finish(self) -> None:
        self.end.set()
        for pipe in self.pipes:
            assert pipe.poll(_PATIENCE_SECONDS), "an environment does not end"
            self.seen.append(pipe.recv())


@contextmanager
def at_work(orders: Sequence[Order]) -> Iterator[Crew]:
    """A process for each of ``orders``, all of them ready, until the block ends."""
    context = fork_server()
    crew = Crew(context.Event(), pipes := [])
    with ExitStack() as processes:
        for order in orders:
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=environment, args=(order, crew.end, theirs), daemon=True)
            process.start()
            processes.callback(process.join)
            processes.callback(process.kill)
            theirs.close()
            pipes.append(mine)
        for pipe in pipes:
            assert pipe.poll(_PATIENCE_SECONDS), "an environment does not start"
            assert pipe.recv() == "ready"
        yield crew


class Members:
    """A replica set of three whose members are killed and started again one by one."""

    def __init__(self, mongo: ReplicaSet, drill: Drill, names: Sequence[str]) -> None:
        self.uri = mongo.uri
        self._drill = drill
        self._ports = dict(zip(names, mongo.ports, strict=True))
        self._victims: list[str] = []

    def elect_after(self, milliseconds: int) -> None:
        """How long secondaries miss a primary before they elect another."""
        with MongoClient[dict[str, Any]](self.uri) as client:

            def accepted() -> bool:
                # Not while the members tell each other of the configuration before.
                with suppress(PyMongoError):
                    found = client.admin.command("replSetGetConfig")["config"]
                    found["settings"]["electionTimeoutMillis"] = milliseconds
                    client.admin.command("replSetReconfig", {**found, "version": found["version"] + 1})
                    return True
                return False

            wait_until(accepted, "the set is not configured anew")

    def primary(self) -> str | None:
        """Who says that it can be written to."""
        return next((name for name in self._ports if self._hello(name).get("isWritablePrimary")), None)

    def kill_primary(self) -> float:
        """When."""
        victim = str(wait_until(self.primary, "there is no primary"))
        killed = time.monotonic()
        self._drill.kill(victim)
        self._victims.append(victim)
        return killed

    def kill_all(self, database: str) -> float:
        """When. The primary dies last, with battles that no other member has; the others are started again at once."""
        victim = str(wait_until(self.primary, "there is no primary"))
        others = [name for name in self._ports if name != victim]
        with self._direct(victim) as client:
            battles = client[database]["battles"]
            # Connected before: all who fight soon wait for the dead, and then nobody adds to a late count.
            battles.count_documents({})
            killed = time.monotonic()
            # Not held up by a signal: what waits in their sockets would reach them afterwards.
            for name in others:
                os.kill(self._drill.pid(name), signal.SIGKILL)
            shared = battles.count_documents({})
            self._drill.kill(*others)
            wait_until(lambda: battles.count_documents({}) > shared, "the primary gets no battle of its own")
        self._drill.kill(victim)
        self._drill.launch(*others)
        self._victims.append(victim)
        return killed

    def restore(self) -> None:
        """Starts who was killed, on the data they left, until they follow the primary again."""
        while self._victims:
            name = self._victims.pop()
            self._drill.start(name)
            wait_until(partial(self._follows, name), f"{name} does not come back")

    def wait_primary(self) -> None:
        wait_until(self.primary, "nobody is elected")

    def contents(self, database: str, collections: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
        """By member, once each has everything that was written: the documents of ``collections``."""
        with MongoClient[dict[str, Any]](self.uri) as client:
            every = WriteConcern(w=len(self._ports), wtimeout=int(_PATIENCE_SECONDS * 1000))
            client[database].get_collection("marker", write_concern=every).insert_one({})
        found = {}
        for name in self._ports:
            with self._direct(name) as client:
                found[name] = {which: list(client[database][which].find().sort("_id")) for which in collections}
        return found

    def _follows(self, name: str) -> bool:
        return bool(self._hello(name).get("secondary"))

    def _hello(self, name: str) -> dict[str, Any]:
        with suppress(PyMongoError), self._direct(name, _GLANCE_MILLISECONDS) as client:
            return dict(client.admin.command("hello"))
        return {}

    def _direct(self, name: str, milliseconds: int = int(_PATIENCE_SECONDS * 1000)) -> MongoClient[dict[str, Any]]:
        return MongoClient(
            LOOPBACK, self._ports[name], directConnection=True, serverSelectionTimeoutMS=milliseconds, tz_aware=True
        )


def wait_until(until: Callable[[], Any], complaint: str) -> Any:
    """What ``until`` gives once it is something."""
    for _ in looks(_PATIENCE_SECONDS):
        if found := until():
            return found
    raise AssertionError(complaint)


@contextmanager
def three_members() -> Iterator[Members]:
    """A set of three of one's own."""
    with supervised() as (_, state):
        mongo = ReplicaSet(free_ports(3))
        servers = without_expiry(mongo.servers(state))
        with Drill(state, servers) as drill:
            yield Members(mongo, drill, [server.name for server in servers])
