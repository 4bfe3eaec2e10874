"""Instances of the arena on a real database, shared by the tests that leave them as they are."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from tests.integration.fronts.instances import Running, instances
from tests.unit.test_settings import DEVELOPMENT


@pytest.fixture(scope="session")
def settings(mongo_uri: str, mongo_client: MongoClient[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """Settings of an arena with a database of its own."""
    database = mongo_client[f"fronts_{uuid.uuid4().hex[:8]}"]
    ensure_indexes(database)
    seed_defaults(database, system_clock())
    yield {**DEVELOPMENT, "MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": ""}
    mongo_client.drop_database(database.name)


@pytest.fixture(scope="session")
def three(settings: dict[str, str]) -> Iterator[list[Running]]:
    """Three instances that nobody kills."""
    with instances(["one", "two", "three"], settings) as running:
        yield running
