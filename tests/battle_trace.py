"""What one battle asks of the database, of Redis and of queues, recorded while it is fought over HTTP."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import redis
from pymongo.monitoring import CommandStartedEvent

from chalicelib.cache.scripts import FOLDER, load_script
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.messaging.outbox_nudge import OutboxNudge
from chalicelib.wiring.replication import Replication
from infra.drawings.battle import Step
from tests.recorder import Recorder
from tests.unhurried import UnhurriedArena

_SCRIPTS = {load_script(path.stem).sha: path.stem for path in FOLDER.glob("*.lua")}
_LAST = "PING"
"""A command nobody else sends: everything before it was seen."""
_OF_CONNECTIONS = {"HELLO", "CLIENT"}
_METRICS = "{metrics}:"
"""Told by whatever request comes five of the machine's seconds after the last telling: no part of a battle."""


class Trace:
    """Steps with the moments they were taken at: those of the Redis server's clock and of ours are put in order."""

    def __init__(self) -> None:
        self._steps: list[tuple[float, Step]] = []

    def add(self, step: Step, at: float) -> None:
        self._steps.append((at, step))

    def steps(self) -> list[Step]:
        return [step for _, step in sorted(self._steps, key=lambda row: row[0])]


class Commands(Recorder):
    """Commands to the database, by name and collections."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace

    def started(self, event: CommandStartedEvent) -> None:
        name, command = event.command_name, dict(event.command)
        what = name if command[name] in (1, True) else f"{name} {command[name]}"
        if name == "aggregate":
            what = f"aggregate of {', '.join(sorted(set(_looked_up(command['pipeline']))))}"
        self._trace.add(Step("MongoDB", what, "autocommit" in command), time.time())


def _looked_up(value: Any) -> Iterator[str]:
    """Collections that a pipeline joins."""
    if isinstance(value, dict):
        if "$lookup" in value:
            yield str(value["$lookup"]["from"])
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _looked_up(item)


def traced(trace: Trace) -> type[UnhurriedArena]:
    """An arena that tells ``trace``."""

    class Told(Replication):
        @cached_property
        def nudge(self) -> OutboxNudge:
            def sent(_body: str) -> None:
                trace.add(Step("SQS", "outbox queue"), time.time())

            return OutboxNudge(sent, self._clock, failed=lambda error: None)

    class Traced(UnhurriedArena):
        @cached_property
        def pools(self) -> Pools:
            specs = without_secondaries(ENVIRONMENT_POOLS)
            return Pools(self.settings.mongo_uri, specs, listeners=[Commands(trace)])

        @cached_property
        def replication(self) -> Replication:
            return Told(self)

    return Traced


@contextmanager
def watching(url: str, trace: Trace) -> Iterator[None]:
    """Adds what the Redis server is asked in the block: commands by the kind of key, scripts by name."""
    client: Any = redis.Redis.from_url(url)
    with client.monitor() as monitor:
        thread = threading.Thread(target=_listen, args=(monitor, trace), daemon=True)
        thread.start()
        try:
            yield
        finally:
            client.ping()
            thread.join(timeout=60)
    client.close()


def _listen(monitor: Any, trace: Trace) -> None:
    for seen in monitor.listen():
        if seen["command"] == _LAST:
            return
        words = seen["command"].split()
        if seen["client_type"] != "lua" and words[0] not in _OF_CONNECTIONS and _METRICS not in seen["command"]:
            trace.add(Step("Redis", _named(words)), seen["time"])


def _named(words: list[str]) -> str:
    if words[0] == "EVALSHA":
        return f"script {_SCRIPTS[words[1]]}"
    kind = re.match(r"[^:]+:([a-z]+)", words[1]) if len(words) > 1 else None
    return f"{words[0]} {kind[1]}" if kind else words[0]
