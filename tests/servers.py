"""Real servers for tests, each started once per session on a free port and stopped with it."""

import contextlib
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from redis import RedisError

from chalicelib.data.indexes import INDEXES
from localcloud.drill import Drill
from localcloud.mongod import ReplicaSet
from localcloud.ports import free_ports
from localcloud.server import Server
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from localcloud.valkey import Valkey
from localcloud.valkey_cluster import ValkeyCluster
from tests.redis_doors import client_of, forget_keys

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


@pytest.fixture(scope="session")
def mongo_three_uri() -> Iterator[str]:
    """The connection string of a three-node replica set."""
    with replica_set(3) as uri:
        yield uri


@pytest.fixture(scope="session")
def mongo_client(mongo_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of the one-node replica set whose datetimes are timezone-aware."""
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client


@pytest.fixture(scope="session")
def emptied() -> list[Database[dict[str, Any]]]:
    """Databases that have every index of the arena and no document, left by earlier tests."""
    return []


@pytest.fixture(scope="session")
def caches() -> list[Any]:
    """Clients of the session's Valkey servers, of those that were asked for."""
    return []


@pytest.fixture
def database(
    mongo_client: MongoClient[dict[str, Any]], emptied: list[Database[dict[str, Any]]], caches: list[Any]
) -> Iterator[Database[dict[str, Any]]]:
    """A database without documents for one test, on the one-node replica set; no Valkey holds keys of its name.

    It may have the arena's indexes already: making them takes a second, so a database is emptied and used
    again unless a test left it with other indexes. Take ``fresh_database`` where that matters.
    """
    database = emptied.pop() if emptied else mongo_client[f"test_{uuid.uuid4().hex[:12]}"]
    yield database
    for client in caches:
        forget_keys(client, f"{database.name}:")
    if _is_indexed(database):
        for name in database.list_collection_names():
            database[name].delete_many({})
        emptied.append(database)
    else:
        mongo_client.drop_database(database.name)


@pytest.fixture
def fresh_database(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    """A database that does not exist yet; dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield mongo_client[name]
    mongo_client.drop_database(name)


def _is_indexed(database: Database[dict[str, Any]]) -> bool:
    """Whether it has the arena's indexes and no other."""
    expected: dict[str, set[str]] = {}
    for index in INDEXES:
        expected.setdefault(index.collection, {"_id_"}).add(index.name)
    found = {
        name: {str(index) for index in database[name].index_information()} for name in database.list_collection_names()
    }
    return expected.keys() <= found.keys() and all(
        names == expected.get(name, {"_id_"}) for name, names in found.items()
    )


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
        deadline = time.monotonic() + seconds
        while not self.cluster.formed():
            assert time.monotonic() < deadline, "the cluster is not whole again"
            time.sleep(0.05)


@contextlib.contextmanager
def drill_cluster(node_timeout_ms: int = CLUSTER_NODE_TIMEOUT_MS) -> Iterator[DrillCluster]:
    """A cluster for an outage drill; ready after about three seconds."""
    with supervised() as (_, state):
        cluster = ValkeyCluster.claim(0, setting="", node_timeout_ms=node_timeout_ms)
        with Drill(state, cluster.servers(state)) as drill:
            yield DrillCluster(cluster, drill)
