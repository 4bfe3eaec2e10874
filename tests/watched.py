"""An arena that remembers what its cache did and what its players got, and the records themselves."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from chalicelib.cache.counters import CacheObserver, Outcome
from chalicelib.cache.door import RedisDoor
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.monitoring.families import CACHE_LOOKUPS
from chalicelib.monitoring.registry import parse_series
from chalicelib.settings import load
from chalicelib.wiring import Arena, cache
from tests.unit.test_settings import DEVELOPMENT

Kind = Literal["battle", "read", "crowd"]
TIER = "production"
"""Its limits are shared by up to 20 environments."""
CROWD_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Seen:
    """A request. ``at`` is when it was sent, seconds of the machine's monotonic clock."""

    environment: int
    kind: Kind
    at: float
    seconds: float
    status: int
    degraded: bool


@dataclass(frozen=True, slots=True)
class Called:
    """A call of the cache. ``at`` is when it ended."""

    at: float
    name: str
    seconds: float
    outcome: Outcome
    patient: bool


@dataclass(frozen=True, slots=True)
class Term:
    """What became of one holder of the lock. Not ``exclusive``: Redis did not say whether it was taken."""

    fence: int
    exclusive: bool
    began: float
    ended: float
    outcome: Literal["written", "fenced out", "database busy"]


@dataclass
class Record:
    """What one environment, or all together, saw."""

    requests: list[Seen] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    lookups: Counter[str] = field(default_factory=Counter)
    """Of the read-through caches: hit, miss, degraded (not to be had)."""
    longest_pause: float = 0.0
    """Seconds a thread that wanted to run did not: the machine's doing, or the interpreter's."""

    def add(self, other: "Record") -> None:
        self.requests += other.requests
        self.calls += other.calls
        self.terms += other.terms
        self.lookups += other.lookups
        self.longest_pause = max(self.longest_pause, other.longest_pause)


class Watching:
    """A cache's observer that keeps every call, tells ``failed`` of those that did, and passes all on."""

    def __init__(self, record: Record, inner: CacheObserver, failed: Callable[[], None], *, patient: bool) -> None:
        self._record, self._inner, self._failed, self._patient = record, inner, failed, patient

    def command(self, name: str, seconds: float, outcome: Outcome) -> None:
        self._record.calls.append(Called(time.monotonic(), name, seconds, outcome, self._patient))
        if outcome != "ok":
            self._failed()
        self._inner.command(name, seconds, outcome)

    def lookup(self, hit: bool) -> None:
        self._inner.lookup(hit)

    def undecodable(self) -> None:
        self._inner.undecodable()

    def breaker(self, node: str, state: str) -> None:
        self._inner.breaker(node, state)

    def refresh(self, ok: bool) -> None:
        self._inner.refresh(ok)


class WatchedArena(Arena):
    """An arena on a one-node set whose calls of the cache are kept in ``record``; ``failed`` hears of failures."""

    def __init__(
        self, mongo_uri: str, database: str, redis_url: str, failed: Callable[[], None] = lambda: None
    ) -> None:
        cluster = {"ARENA_REDIS_MODE": "cluster", "ARENA_TIER": TIER, "REDIS_URL": redis_url}
        stores = {"MONGO_URI": mongo_uri, "MONGO_DATABASE": database}
        limits = {"ARENA_RATE_LIMITS": "on", "RATE_LIMIT_PER_MINUTE": str(CROWD_PER_MINUTE)}
        super().__init__(load({**DEVELOPMENT, **cluster, **stores, **limits}))
        self.record = Record()
        self._failed = failed

    @cached_property
    def pools(self) -> Pools:
        return Pools(self.settings.mongo_uri, without_secondaries(ENVIRONMENT_POOLS))

    @cached_property
    def redis(self) -> RedisDoor | None:
        return cache.door(self.settings, "quick", self._watching(patient=False))

    @cached_property
    def patient_redis(self) -> RedisDoor | None:
        return cache.door(self.settings, "patient", self._watching(patient=True))

    def count_lookups(self) -> None:
        """Puts what the arena itself counted into the record."""
        for key, count in self.meters.registry.values().items():
            series = parse_series(key)
            if series is not None and series.family == CACHE_LOOKUPS:
                self.record.lookups[series.labels[1]] += count

    def _watching(self, *, patient: bool) -> Watching:
        return Watching(self.record, self.meters.cache, self._failed, patient=patient)
