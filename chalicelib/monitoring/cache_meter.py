"""Counts what the cache does, as the cache's observer; see ``chalicelib.cache.counters.CacheObserver``."""

from threading import Lock
from typing import TYPE_CHECKING, Final

from chalicelib.monitoring.families import (
    CACHE_BREAKER,
    CACHE_BREAKER_CHANGES,
    CACHE_COMMANDS,
    CACHE_LATENCY,
    CACHE_LOOKUPS,
    CACHE_MAP_REFRESHES,
    CACHE_UNDECODABLE,
)

if TYPE_CHECKING:
    from chalicelib.monitoring.ports import Meter

VALUES: Final = "values"
"""Lookups of single values, as told apart from those of named caches."""


class CacheMeter:
    """A cache's observer that tells a ``Meter``."""

    def __init__(self, meter: "Meter") -> None:
        self._meter = meter
        self._shut: set[str] = set()
        self._lock = Lock()

    def command(self, name: str, seconds: float, outcome: str) -> None:
        self._meter.count(CACHE_COMMANDS, command=name, outcome=outcome)
        if outcome != "refused":
            self._meter.observe(CACHE_LATENCY, seconds, command=name)

    def lookup(self, hit: bool) -> None:
        self._meter.count(CACHE_LOOKUPS, cache=VALUES, result="hit" if hit else "miss")

    def undecodable(self) -> None:
        self._meter.count(CACHE_UNDECODABLE)

    def breaker(self, node: str, state: str) -> None:
        self._meter.count(CACHE_BREAKER_CHANGES, state=state)
        with self._lock:
            (self._shut.discard if state == "closed" else self._shut.add)(node)
            self._meter.set(CACHE_BREAKER, len(self._shut))

    def refresh(self, ok: bool) -> None:
        self._meter.count(CACHE_MAP_REFRESHES, outcome="ok" if ok else "error")
