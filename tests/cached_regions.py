"""A region's Redis, single or a cluster, and the environments that read through it; the database is a fake."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.cache.door import DoorLimits, RedisDoor
from chalicelib.cache.invalidation import Invalidation
from chalicelib.cache.keys import CACHE_EPOCH
from chalicelib.cache.read_through import ReadThrough
from chalicelib.cache.stored_values import StoredValues
from chalicelib.clock import ManualClock
from localcloud.ports import free_ports
from tests.fakes.memory_epochs import MemoryEpochs
from tests.worlds import NOON

WIDE = DoorLimits(budget_seconds=10.0, connections_per_node=4)
LEASE_MS = 20_000
"""By the server's own clock: whom a busy machine holds up for a second nobody must take for frozen."""


@dataclass
class Region:
    """A region's Redis, and what its environments share."""

    urls: list[str]
    cluster: bool
    database: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:12]}")
    epochs: MemoryEpochs = field(default_factory=MemoryEpochs)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    doors: list[RedisDoor] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def door(self) -> RedisDoor:
        self.doors.append(RedisDoor.from_urls(self.urls, cluster=self.cluster, limits=WIDE))
        return self.doors[-1]

    def unreachable(self) -> RedisDoor:
        """A door to nothing."""
        return RedisDoor.from_urls([f"redis://127.0.0.1:{free_ports(1)[0]}"], cluster=self.cluster)

    def reader(self, door: RedisDoor | None = None, *, draw: float = 0.0, **options: Any) -> ReadThrough:
        """An environment. A draw of 0 loads nothing early."""
        stored = StoredValues(door or self.door(), self.database, lease_ms=LEASE_MS)
        tell = lambda cache, result: self.results.append((cache, result))  # noqa: E731
        return ReadThrough(stored, self.epochs, self.clock, observer=tell, draw=lambda: draw, **options)

    def invalidation(self, door: RedisDoor | None = None) -> Invalidation:
        stored = StoredValues(door or self.door(), self.database)
        return Invalidation(stored, self.epochs, lambda what, _error: self.complaints.append(what))

    def forget_mark(self, cache: str) -> None:
        """As ``MARK_SECONDS`` later."""
        self.doors[0].execute("DEL", CACHE_EPOCH.key(self.database, cache=cache, part=""))

    def told(self) -> list[str]:
        told, self.results = [result for _, result in self.results], []
        return told


@pytest.fixture(params=["single", "cluster"])
def region(request: pytest.FixtureRequest) -> Iterator[Region]:
    cluster = request.param == "cluster"
    urls = request.getfixturevalue("valkey_cluster" if cluster else "valkey_url").split(",")
    region = Region(urls, cluster)
    yield region
    for door in region.doors:
        door.close()


class Source:
    """What is cached, as its database has it; counts loads."""

    def __init__(self, value: Any = None) -> None:
        self.value: Any = {"answer": 42} if value is None else value
        self.loads = 0

    def __call__(self) -> Any:
        self.loads += 1
        return self.value


class Timer:
    """A monotonic clock that loads move, and waiting."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
