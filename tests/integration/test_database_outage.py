"""The database away: refused within the time budget, and well again without a restart of ours."""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psutil
import pytest
from pymongo import MongoClient

from chalicelib.arena.ports import Document
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.errors import Unavailable
from localcloud.mongod import ReplicaSet
from localcloud.ports import free_ports
from localcloud.processes import read_pid_file
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from tests.consistency import assert_consistent
from tests.redis_doors import eventually
from tests.servers import without_expiry
from tests.worlds import World, mongo_world

T = TypeVar("T")

BUDGET_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
TOLERANCE_SECONDS = 20.0
"""A budget bounds waiting for the database, not a busy machine's own pauses. Without one it is 45 s and more."""
PATIENT_POOLS = {
    name: replace(spec, server_selection_ms=60_000) for name, spec in without_secondaries(GUIDE_POOLS).items()
}


class Outages:
    """A one-node set that can be stopped, hung and brought back, its data kept."""

    def __init__(self, directory: Path) -> None:
        self._state = StateDir(directory)
        self._mongo = ReplicaSet(free_ports(1))
        self._running = contextlib.ExitStack()

    @property
    def uri(self) -> str:
        return self._mongo.uri

    def up(self) -> None:
        supervisor = self._running.enter_context(Supervisor(self._state, log=lambda _: None))
        supervisor.start(without_expiry(self._mongo.servers(self._state)))

    def down(self) -> None:
        self._running.close()

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """The server accepts connections and never answers."""
        process = read_pid_file(self._state.pid_file("mongod"))
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        eventually("it stands still", lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        try:
            yield
        finally:
            os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
def outages() -> Iterator[Outages]:
    with tempfile.TemporaryDirectory(prefix="arena-test-") as directory:
        server = Outages(Path(directory))
        server.up()
        yield server
        server.down()


@pytest.fixture
def world(outages: Outages) -> Iterator[World]:
    """An arena with a second for each request."""
    with MongoClient[Document](outages.uri, tz_aware=True) as client:
        pools = Pools(outages.uri, PATIENT_POOLS)
        world, _ = mongo_world(client["arena"], outages.uri, pools=pools, budget_seconds=BUDGET_SECONDS)
        yield world
        pools.close()


def refused_in_time(request: Callable[[], object]) -> None:
    """``request`` ends in 503 with a time to come back, before its budget is much exceeded."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        request()
    assert time.monotonic() - began < BUDGET_SECONDS + TOLERANCE_SECONDS
    assert (caught.value.status, caught.value.code) == (503, "database_unavailable")
    assert int(caught.value.headers["Retry-After"]) >= 1


def test_a_stopped_or_hung_database_is_unavailable_and_then_well_again(world: World, outages: Outages) -> None:
    """Transactions and single reads alike; the same clients go on afterwards."""
    world.add_player()
    broker = world.add_broker(energy=100)
    battles, public = world.battles(), world.public()
    _eventually(lambda: battles.run(world.command(broker, "before")))

    outages.down()
    refused_in_time(lambda: battles.run(world.command(broker, "stopped")))
    refused_in_time(public.game_modes)
    refused_in_time(lambda: world.economy().me("777"))
    outages.up()
    world.clock.advance(30)
    assert [battle["requestId"] for battle in world.read("battles")] == ["before"]
    _eventually(lambda: battles.run(world.command(broker, "stopped")))

    with outages.hung():
        refused_in_time(lambda: battles.run(world.command(broker, "hung")))
        refused_in_time(public.realms)
    world.clock.advance(30)
    _eventually(lambda: battles.run(world.command(broker, "hung")))
    assert {battle["requestId"] for battle in world.read("battles")} == {"before", "stopped", "hung"}
    assert_consistent(world)


def _eventually(request: Callable[[], T]) -> T:
    """What ``request`` gives once the database is back; a client does as much with Retry-After."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS:
        with contextlib.suppress(Unavailable):
            return request()
    return request()
