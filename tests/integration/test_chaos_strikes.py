"""Faults carried out on real servers, and taken back."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern
from redis import RedisError
from redis.exceptions import RedisClusterException

from infra.chaos.clocks import Clocks
from infra.chaos.cloud import ChaosCloud
from infra.chaos.links import Links
from infra.chaos.schedule import KINDS, Fault
from infra.chaos.strikes import Striker
from infra.cli.local import LocalCloud
from localcloud.errors import ServerFailed
from localcloud.mongod import ReplicaSet
from localcloud.ports import free_ports
from localcloud.server import Server
from localcloud.supervisor import Supervisor
from localcloud.valkey_cluster import ValkeyCluster
from tests.redis_doors import client_of, eventually
from tests.servers import CLUSTER_NODE_TIMEOUT_MS, supervised

REGION = "us-east-1"
OTHER = "eu-west-1"
PATIENCE_SECONDS = 60.0
WITH_A_FUNCTION = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[ChaosCloud]:
    """A region's servers, without anything else."""
    with supervised() as (supervisor, state):
        mongo = ReplicaSet(free_ports(3), of=REGION)
        cache = ValkeyCluster.claim(0, setting="", node_timeout_ms=CLUSTER_NODE_TIMEOUT_MS, of=REGION)
        localstack = Server("localstack", [sys.executable, "-c", WITH_A_FUNCTION], ready=lambda: True)
        supervisor.start([*mongo.servers(state), *cache.servers(state), localstack])
        found = {"mongo": mongo.uri, "redis": cache.urls, "database": "chaos", "api": "http://127.0.0.1:1/api"}
        status = {"regions": {REGION: found}}
        links = Links("http://127.0.0.1:1", 0, {})
        yield ChaosCloud(
            *(LocalCloud(status, {}), supervisor, links, Clocks(state.root / "clocks")),
            port=0,
            operate=lambda *arguments: f"{OTHER} serves: {' '.join(arguments)}",
            deploy_again=lambda check: deployed_again(supervisor, check),
        )


def deployed_again(supervisor: Supervisor, check: Callable[[], None]) -> dict[str, Any]:
    again = supervisor.start_again("localstack")
    eventually("it is back", again.server.ready)
    check()
    return {"localstack": "deployed again"}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def striker(cloud: ChaosCloud, told: list[str]) -> Iterator[Striker]:
    found = Striker(cloud, told.append, cloud.supervisor.check, lambda: 0.0)
    yield found
    found.heal()


def write(cloud: ChaosCloud) -> None:
    """Waits until a majority of the members has journaled something."""
    with MongoClient[dict[str, Any]](
        cloud.local.region(REGION)["mongo"],
        # Soon enough aware of a primary that is there and answers nothing.
        heartbeatFrequencyMS=500,
        connectTimeoutMS=500,
        socketTimeoutMS=2000,
        serverSelectionTimeoutMS=2000,
    ) as client:
        safe = client["chaos"].get_collection("marks", write_concern=WriteConcern("majority", j=True))

        def written() -> bool:
            with suppress(PyMongoError):
                return safe.insert_one({}).acknowledged
            return False

        eventually("something is written", written, seconds=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "kind", ["kill-secondary", "hang-primary", "slow-primary", "full-disk-primary", "kill-database"]
)
def test_a_database_is_struck_and_serves_again(cloud: ChaosCloud, striker: Striker, told: list[str], kind: str) -> None:
    write(cloud)
    fault = Fault(0.0, 2.0, kind, REGION)
    assert striker.begin(fault, 0.0)
    assert (len(told), striker.active) == (1, [fault])
    for tick in range(4):
        striker.go_on(tick / 2)
    if not KINDS[kind].whole_set:
        # Two of three are a majority.
        write(cloud)
    striker.end(fault)
    assert striker.wait_ready() == []
    write(cloud)
    cloud.supervisor.check()


@pytest.mark.parametrize("kind", ["kill-cache", "full-disk-cache"])
def test_a_cache_is_struck_and_serves_again(cloud: ChaosCloud, striker: Striker, told: list[str], kind: str) -> None:
    fault = Fault(0.0, 2.0, kind, REGION, pick=1)
    assert striker.begin(fault, 0.0)
    assert len(told) == 1
    striker.heal()
    assert striker.wait_ready() == []
    client = client_of(",".join(cloud.local.region(REGION)["redis"]))

    def kept() -> bool:
        # Nodes tell each other of who is back a moment late.
        with suppress(RedisError, RedisClusterException):
            return bool(client.set(kind, "kept"))
        return False

    eventually("a value is kept", kept, seconds=PATIENCE_SECONDS)
    client.close()
    cloud.supervisor.check()


def test_the_cloud_is_lost_with_its_functions_and_brought_back(
    cloud: ChaosCloud, striker: Striker, told: list[str]
) -> None:
    localstack = cloud.supervisor.running("localstack")
    eventually("its function runs", lambda: bool(psutil.Process(localstack.pid).children()))
    (function,) = psutil.Process(localstack.pid).children()
    fault = Fault(0.0, 2.0, "lose-cloud")
    assert striker.begin(fault, 0.0)
    eventually("both are gone", lambda: localstack.exit_code() is not None and not runs(function))
    cloud.supervisor.check()
    striker.end(fault)
    assert cloud.local.status["localstack"] == "deployed again"
    assert cloud.apis == {REGION: "http://127.0.0.1:1/api"}
    assert f"{OTHER} serves: replication catch-up --since" in told[-1]


def runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def test_a_region_that_fails_is_served_by_another_until_it_is_well(
    cloud: ChaosCloud, striker: Striker, told: list[str]
) -> None:
    fault = Fault(0.0, 2.0, "fail-region", REGION)
    assert striker.begin(fault, 0.0)
    striker.go_on(1.0)
    eventually("another serves", lambda: cloud.stand_ins == {REGION: OTHER}, seconds=PATIENCE_SECONDS)
    striker.end(fault)
    (takeover,) = striker.wait_returned()
    assert (takeover.of, takeover.by, cloud.stand_ins) == (REGION, OTHER, {})
    assert [line.partition(": ")[2] for line in told] == [
        f"failover --from {REGION} --yes",
        f"failover --return {REGION} --yes",
    ]


def test_a_server_that_nobody_struck_is_missed(cloud: ChaosCloud, striker: Striker) -> None:
    """Whoever is killed without being excused has crashed; started again, it would be missed once more."""
    name = next(iter(cloud.cache_nodes(REGION)))
    running = cloud.supervisor.running(name)
    running.signal(9)
    eventually("it has ended", lambda: running.exit_code() is not None, seconds=PATIENCE_SECONDS)
    with pytest.raises(ServerFailed):
        cloud.supervisor.check()
    again = cloud.supervisor.start_again(name)
    eventually("it is back", again.server.ready, seconds=PATIENCE_SECONDS)
    cloud.supervisor.check()
