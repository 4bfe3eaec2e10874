"""Every test here runs on the fake store and on a real replica set."""

from collections.abc import Iterator

import pytest
from pymongo.database import Database

from chalicelib.arena.ports import Document
from tests.worlds import World, memory_world, mongo_world


@pytest.fixture(params=["memory", "mongo"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A seeded arena at noon."""
    if request.param == "memory":
        yield memory_world()
        return
    database: Database[Document] = request.getfixturevalue("database")
    uri: str = request.getfixturevalue("mongo_uri")
    world, pools = mongo_world(database, uri)
    yield world
    pools.close()
