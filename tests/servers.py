"""Real servers for tests, each started once per session on a free port and stopped with it."""

import contextlib
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from redis import RedisError

from localcloud.drill import Drill
from localcloud.mongod import ReplicaSet
from localcloud.ports import free_ports
from localcloud.server import Server
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from localcloud.valkey import Valkey
from localcloud.valkey_cluster import ValkeyCluster
from tests.databases import Lender
from tests.redis_doors import client_of
from tests.waiting import looks

CLUSTER_NODE_TIMEOUT_MS = 500
"""Of clusters for drills: short, so that a replica takes over within two seconds."""


@contextlib.contextmanager
def supervised() -> Iterator[tuple[Supervisor, StateDir]]:
    """A supervisor over a throw-away state directory."""
    with tempfile.TemporaryDirectory(prefix="arena-test-") as directory:
        state = StateDir(Path(directory))
        with Supervisor(state, log=lambda _: None) as supervisor:
            yield supervisor, state


def without_expiry(members: Sequence[Server]) -> list[Server]:
    """The members of a set, which delete nothing by their own clock.

    Tests live at a noon of their own: by that clock what they store may have expired.
    """
    return [replace(one, command=[*one.command, "--setParameter", "ttlMonitorEnabled=false"]) for one in members]


@contextlib.contextmanager
def replica_set(members: int) -> Iterator[str]:
    """Runs a replica set; gives its connection string."""
    with supervised() as (supervisor, state):
        mongo = ReplicaSet(free_ports(members))
        supervisor.start(without_expiry(mongo.servers(state)))
        yield mongo.uri


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """The connection string of a one-node replica set."""
    with replica_set(1) as uri:
        yield uri


@pytest.fixture(scope="module")
def mongo_three_uri() -> Iterator[str]:
    """The connection string of a three-node replica set, which costs as it stands there: its members never rest."""
    with replica_set(3) as uri:
        yield uri


@pytest.fixture(scope="session")
def mongo_client(mongo_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of the one-node replica set whose datetimes are timezone-aware."""
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client


@pytest.fixture(scope="session")
def caches() -> list[Any]:
    """Clients of the session's Valkey servers, of those that were asked for."""
    return []


@pytest.fixture(scope="session")
def lender(mongo_client: MongoClient[dict[str, Any]], caches: list[Any]) -> Lender:
    """Databases on the one-node replica set, for who needs several."""
    return Lender(mongo_client, caches)


@pytest.fixture
def database(lender: Lender) -> Iterator[Database[dict[str, Any]]]:
    """A database with the arena's indexes and no document, for one test; no Valkey holds keys of its name."""
    with lender.lent(1) as (database,):
        yield database


@pytest.fixture
def fresh_database(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    """A database that does not exist yet; dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield mongo_client[name]
    mongo_client.drop_database(name)


@contextlib.contextmanager
def _remembered(urls: str, caches: list[Any]) -> Iterator[None]:
    client = client_of(urls)
    caches.append(client)
    yield
    caches.remove(client)
    client.close()


@pytest.fixture(scope="session")
def valkey_url(caches: list[Any]) -> Iterator[str]:
    """The URL of a Valkey server shared by the session: use keys of your own."""
    with supervised() as (supervisor, state):
        valkey = Valkey(free_ports(1)[0])
        supervisor.start([valkey.server(state)])
        with _remembered(valkey.uri, caches):
            yield valkey.uri


@pytest.fixture(scope="session")
def valkey_cluster(caches: list[Any]) -> Iterator[str]:
    """The URLs of a cluster of six nodes shared by the session, comma-separated: use keys of your own.

    Nobody ends its nodes, and a busy machine must not make one look dead: it has production's time-out.
    """
    with supervised() as (supervisor, state):
        cluster = ValkeyCluster.claim(0, setting="")
        supervisor.start(cluster.servers(state))
        with _remembered(cluster.uri, caches):
            yield cluster.uri


@dataclass(frozen=True)
class DrillCluster:
    """A cluster of one's own, whose nodes (``valkey-1`` to ``valkey-6``) ``drill`` kills, pauses and starts again."""

    cluster: ValkeyCluster
    drill: Drill

    @property
    def urls(self) -> str:
        return self.cluster.uri

    def masters(self) -> list[str]:
        """The nodes that are masters now, by name; nodes that do not answer are left out."""
        found = []
        for index, name in enumerate(self.cluster.names()):
            with contextlib.suppress(RedisError, OSError):
                if self.cluster.view(index).myself.slots:
                    found.append(name)
        return found

    def wait_formed(self, seconds: float = 60.0) -> None:
        """Until every node runs and every master has its replica again."""
        assert any(self.cluster.formed() for _ in looks(seconds)), "the cluster is not whole again"


@contextlib.contextmanager
def drill_cluster(node_timeout_ms: int = CLUSTER_NODE_TIMEOUT_MS) -> Iterator[DrillCluster]:
    """A cluster for an outage drill; ready after about three seconds."""
    with supervised() as (_, state):
        cluster = ValkeyCluster.claim(0, setting="", node_timeout_ms=node_timeout_ms)
        with Drill(state, cluster.servers(state)) as drill:
            yield DrillCluster(cluster, drill)
