"""Real servers for tests, each started once per session on a free port and stopped with it."""

import contextlib
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.data.indexes import INDEXES
from localcloud.mongod import ReplicaSet
from localcloud.ports import free_ports
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from localcloud.valkey import Valkey


@contextlib.contextmanager
def supervised() -> Iterator[tuple[Supervisor, StateDir]]:
    """A supervisor over a throw-away state directory."""
    with tempfile.TemporaryDirectory(prefix="arena-test-") as directory:
        state = StateDir(Path(directory))
        with Supervisor(state, log=lambda _: None) as supervisor:
            yield supervisor, state


@contextlib.contextmanager
def replica_set(members: int) -> Iterator[str]:
    """Runs a replica set; gives its connection string."""
    with supervised() as (supervisor, state):
        mongo = ReplicaSet(free_ports(members))
        supervisor.start(mongo.servers(state))
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


@pytest.fixture
def database(
    mongo_client: MongoClient[dict[str, Any]], emptied: list[Database[dict[str, Any]]]
) -> Iterator[Database[dict[str, Any]]]:
    """A database without documents for one test, on the one-node replica set.

    It may have the arena's indexes already: making them takes a second, so a database is emptied and used
    again unless a test left it with other indexes. Take ``fresh_database`` where that matters.
    """
    database = emptied.pop() if emptied else mongo_client[f"test_{uuid.uuid4().hex[:12]}"]
    yield database
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


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The URL of a Valkey server shared by the session: use keys of your own."""
    with supervised() as (supervisor, state):
        valkey = Valkey(free_ports(1)[0])
        supervisor.start([valkey.server(state)])
        yield valkey.uri
