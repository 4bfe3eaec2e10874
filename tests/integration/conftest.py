"""An arena on a real one-node replica set, and many hands to use it at once."""

from collections.abc import Iterator

import pytest
from pymongo.database import Database

from chalicelib.arena.ports import Document
from tests.http_arena import api, arena, clock, player
from tests.worlds import World, mongo_world

__all__ = ["api", "arena", "clock", "player", "world"]


@pytest.fixture
def world(database: Database[Document], mongo_uri: str) -> Iterator[World]:
    """A seeded arena at noon."""
    world, pools = mongo_world(database, mongo_uri)
    yield world
    pools.close()
