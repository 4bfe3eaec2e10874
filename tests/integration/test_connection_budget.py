"""A mongod that admits few connections: a region under load stops growing in time, or is refused connections."""

from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import pytest

from chalicelib.clock import ManualClock
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, connections_per_environment, without_secondaries
from chalicelib.data.scaling import MongoScaling
from chalicelib.scaling.connections import ConnectionBudget
from localcloud.mongod import ReplicaSet
from localcloud.ports import free_ports
from tests.children import fork_server
from tests.integration.pools_child import hold_connections
from tests.scaling_worlds import once, region
from tests.servers import supervised
from tests.worlds import NOON

EACH = connections_per_environment()
RESERVED = 10
"""The controller's own, and the test's."""
AFFORDABLE = 4
CONNECTIONS = RESERVED + AFFORDABLE * EACH
START = 3


class Environments:
    """Processes that hold what an environment holds; ``scale`` starts and ends them."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._context = fork_server()
        self._running: list[tuple[BaseProcess, Connection]] = []

    def __len__(self) -> int:
        return len(self._running)

    def scale(self, environments: int) -> None:
        while len(self._running) > environments:
            self._end(*self._running.pop())
        started = []
        for _ in range(environments - len(self._running)):
            ours, theirs = self._context.Pipe()
            child = self._context.Process(target=hold_connections, args=(self._uri, theirs), daemon=True)
            child.start()
            theirs.close()
            started.append((child, ours))
        for _, pipe in started:
            pipe.recv()
        self._running += started

    def refused(self) -> int:
        """Connections refused to them so far; ends them."""
        total = 0
        while self._running:
            child, pipe = self._running.pop()
            pipe.send("end")
            total += pipe.recv()
            child.join(60)
        return total

    def kill(self) -> None:
        while self._running:
            self._end(*self._running.pop())

    def _end(self, child: BaseProcess, pipe: Connection) -> None:
        child.kill()
        child.join()
        pipe.close()


@pytest.fixture
def small_mongo() -> Iterator[str]:
    with supervised() as (supervisor, state):
        mongo = ReplicaSet(free_ports(1), connections_max=CONNECTIONS)
        supervisor.start(mongo.servers(state))
        yield mongo.uri


@pytest.fixture
def pools(small_mongo: str) -> Iterator[Pools]:
    """The controller's."""
    pools = Pools(small_mongo, without_secondaries(ENVIRONMENT_POOLS))
    yield pools
    pools.close()


@pytest.fixture
def environments(small_mongo: str) -> Iterator[Environments]:
    environments = Environments(small_mongo)
    yield environments
    environments.kill()


def budget(pools: Pools) -> ConnectionBudget:
    return ConnectionBudget(
        name="mongo_connections",
        limit=pools.connection_limit(budget_seconds=20),
        reserved=RESERVED,
        per_environment=EACH,
        other_environments=0,
        on_demand_share=0.0,
    )


def test_scaling_stops_at_the_connection_budget_and_without_it_connections_are_refused(
    pools: Pools, environments: Environments
) -> None:
    assert pools.connection_limit(budget_seconds=20) == CONNECTIONS
    store = MongoScaling(Operations(pools, "arena", budget_seconds=20))
    here = region(ManualClock(NOON), store, START, ceilings=(budget(pools).ceiling(),))
    here.provisioner.on_put = environments.scale
    environments.scale(START)
    here.serve(START, cpu_share=0.95)

    here.controller().run(once(12))
    newest = next(one for one in store.decisions(20) if one["action"] == "out")
    assert (newest["desired"], len(environments)) == (AFFORDABLE, AFFORDABLE)
    assert f"({CONNECTIONS} connections - {RESERVED} reserved) / {EACH} per environment" in newest["reason"]
    held = pools.client("primary").admin.command("serverStatus")["connections"]["current"]
    assert held >= AFFORDABLE * EACH
    assert environments.refused() == 0

    environments.scale(START)
    unbounded = region(ManualClock(NOON), store, START)
    unbounded.clock.advance(3600)
    unbounded.provisioner.on_put = environments.scale
    unbounded.serve(START, cpu_share=0.95)
    unbounded.controller().run(once(6))
    assert len(environments) > AFFORDABLE
    assert environments.refused() > 0
