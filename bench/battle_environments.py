"""Environments of ``bench.battle``: processes that fight when they are told to, one request each at a time."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from bench.battle_contestants import (
    ArenaHandler,
    BareHandler,
    BareTransaction,
    Contestant,
    NewToEnvironment,
    Place,
    recorded_writes,
)

ARENA: Final = "a battle"
UNCACHED: Final = "a battle without a cache"
UNSEEN: Final = "a battle, the player not seen lately"
TRANSACTION: Final = "the bare transaction"
WRITES: Final = "its writes alone"
HANDLER: Final = "the bare handler"

_START_SECONDS: Final = 60.0
_ROUND_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Ran:
    """One environment's round. Moments are of the machine's monotonic clock."""

    milliseconds: Sequence[float]
    cpu_seconds: float
    commands: int
    began: float
    ended: float


def _contestants(place: Place, redis_url: str) -> dict[str, Contestant]:
    writes = recorded_writes(place)
    cached = Place(place.number, place.mongo_uri, place.database, redis_url)
    return {
        HANDLER: BareHandler(),
        TRANSACTION: BareTransaction(place, writes),
        WRITES: BareTransaction(place, writes, reads=False),
        ARENA: ArenaHandler(cached),
        UNCACHED: ArenaHandler(place),
        UNSEEN: NewToEnvironment(cached),
    }


def _environment(place: Place, redis_url: str, orders: Connection) -> None:
    """The life of one environment: each order is a contestant's name, answered by the ``Ran`` of a round."""
    # Ctrl-C is for whoever gives orders.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the application logs goes where nobody reads it; formatting and writing it is part of the cost.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    contestants = _contestants(place, redis_url)
    try:
        orders.send("ready")
        while name := orders.recv():
            place.rest()
            contestant = contestants[name]
            prepared = [contestant.prepare(player) for player in place.players]
            orders.send("prepared")
            orders.recv()
            orders.send(_round(contestant, prepared))
    finally:
        for contestant in contestants.values():
            contestant.close()


def _round(contestant: Contestant, prepared: Sequence[Any]) -> Ran:
    milliseconds = []
    commands, began, cpu = contestant.commands(), time.monotonic(), time.process_time()
    for one in prepared:
        started = time.perf_counter()
        contestant.fight(one)
        milliseconds.append((time.perf_counter() - started) * 1000)
    ended, cpu = time.monotonic(), time.process_time() - cpu
    return Ran(milliseconds, cpu, contestant.commands() - commands, began, ended)


class EnvironmentFailed(Exception):
    """An environment ended, or did not answer; what it says of it stands on standard error."""


class Environments:
    """The processes, from the side of whoever orders rounds."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def round(self, name: str) -> list[Ran]:
        """All environments at once, when all are prepared. Raises ``EnvironmentFailed``."""
        self._tell(name)
        self._hear(_START_SECONDS)
        self._tell("go")
        return self._hear(_ROUND_SECONDS)

    def wait_ready(self) -> None:
        """Raises ``EnvironmentFailed``."""
        self._hear(_START_SECONDS)

    def _tell(self, order: str) -> None:
        for pipe in self._pipes:
            pipe.send(order)

    def _hear(self, seconds: float) -> list[Any]:
        heard = []
        for pipe in self._pipes:
            if not pipe.poll(seconds):
                raise EnvironmentFailed(f"an environment did not answer in {seconds:.0f} s")
            try:
                heard.append(pipe.recv())
            except EOFError as error:
                raise EnvironmentFailed("an environment failed, as it says above") from error
        return heard


@contextmanager
def environments(places: Sequence[Place], redis_url: str) -> Iterator[Environments]:
    """One process for each place, ready to fight; gone afterwards."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    try:
        for place in places:
            mine, theirs = context.Pipe()
            process = context.Process(target=_environment, args=(place, redis_url, theirs), daemon=True)
            process.start()
            theirs.close()
            pipes.append(mine)
            processes.append(process)
        started = Environments(pipes)
        started.wait_ready()
        yield started
    finally:
        for process in processes:
            process.kill()
            process.join()
