"""An arena on a real one-node replica set, and many hands to use it at once."""

from collections.abc import Iterator

import pytest
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.data.pools import Pools
from tests.backup_fixtures import backed_up, elsewhere
from tests.databases import Lender
from tests.http_arena import api, arena, clock, player
from tests.logged_worlds import HERE, Regions, two_regions
from tests.worlds import World, mongo_world

__all__ = ["api", "arena", "backed_up", "clock", "elsewhere", "player", "world"]


@pytest.fixture
def regions(mongo_uri: str, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> Iterator[Regions]:
    """Two that tell each other, with their queues."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    # Chalice wants to know it, of WebSockets.
    monkeypatch.setenv("AWS_REGION", HERE)
    with two_regions(mongo_uri, lender) as found:
        yield found


@pytest.fixture
def opened() -> Iterator[list[Pools]]:
    """For connection pools a test opens: they are closed after it."""
    pools: list[Pools] = []
    yield pools
    for one in pools:
        one.close()


@pytest.fixture
def world(database: Database[Document], mongo_uri: str) -> Iterator[World]:
    """A seeded arena at noon."""
    world, pools = mongo_world(database, mongo_uri)
    yield world
    pools.close()
