"""Cached values in Redis: looking, leases, storing, dropping. Every method raises ``CacheUnavailable``.

A cache (and part) is one hash with its values, their leases and a generation, beside the epoch its readers last saw in
the database; both keys share a slot. Dropping the hash drops all of it at once, the generation included: a value whose
loading began before can't be stored any more (``lua/cache_store.lua``), however late it comes. These are the leases of
memcached at Facebook (R. Nishtala et al.: Scaling Memcache at Facebook, NSDI 2013, section 3.2.1).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from chalicelib.cache.cached_values import MARK_SECONDS, Cache, Item
from chalicelib.cache.door import Command, RedisDoor, load_script
from chalicelib.cache.freshness import Entry
from chalicelib.cache.keys import CACHE_EPOCH, CACHE_VALUES

LEASE: Final = load_script("cache_lease")
STORE: Final = load_script("cache_store")

LEASE_MS: Final = 1000
"""After which another may load what is still not there: the first one may be frozen. It may still store its value."""
EMPTY_KEPT_MS: Final = 30_000
"""Longer than any load takes; a hash of leases alone is of no use afterwards."""
NO_EPOCH: Final = "-"

_LOADED_AT: Final = re.compile(r"\S+ \S+ (\S+)")

Granted = Literal["granted", "busy", "changed", "full"]


@dataclass(frozen=True, slots=True)
class Look:
    """What was found at one moment."""

    entry: Entry | None
    seen: str
    """The entry's time as it is written, even if nothing else of it can be read; empty where there is none."""
    epoch: str | None
    """As it was last read from the database; None when that is too long ago, or of no matter."""
    noted: int | None
    """What the key asked about beside says, milliseconds since 1970."""


class StoredValues:
    """The hashes of all caches of ``database``."""

    def __init__(self, door: RedisDoor, database: str, *, lease_ms: int = LEASE_MS) -> None:
        self._door = door
        self._database = database
        self._lease_ms = lease_ms

    def look(self, item: Item, beside: str | None = None) -> Look:
        """One round trip per node; ``beside`` is a key that may hold a time."""
        commands: list[Command] = [("HGET", self._values(item), f"value:{item.name}")]
        if item.cache.entity is not None:
            commands.append(("GET", self._epoch(item)))
        if beside is not None:
            commands.append(("GET", beside))
        answers = self._door.execute_all(commands)
        text = answers[0] or ""
        seen = _LOADED_AT.match(text)
        epoch = None if item.cache.entity is None or answers[1] is None else answers[1].removeprefix(NO_EPOCH)
        noted = None if beside is None or answers[-1] is None else int(answers[-1])
        return Look(Entry.read(text), seen[1] if seen else "", epoch, noted)

    def lease(self, item: Item, token: str, seen: str) -> tuple[Granted, str]:
        """Asks to load ``item``, of which ``seen`` was found; with the generation to store it under."""
        args = (item.name, token, seen, self._lease_ms, EMPTY_KEPT_MS, item.cache.names_max)
        outcome, generation = self._door.script(LEASE, [self._values(item)], args)
        return outcome, generation

    def store(self, item: Item, entry: Entry, generation: str, token: str) -> bool:
        """Whether ``entry`` is there now: not when its cache was dropped since ``generation``, or has a newer one."""
        kept_ms = round(1000 * item.cache.lifetime.kept_seconds)
        args = (item.name, generation, token, entry.text(), kept_ms)
        return bool(self._door.script(STORE, [self._values(item)], args) == "stored")

    def release(self, item: Item, token: str) -> None:
        """Lets another load ``item``."""
        self._door.script(STORE, [self._values(item)], (item.name, "", token, "", 0))

    def believe(self, item: Item, epoch: str, *, replace: bool) -> None:
        """Notes the epoch just read, for a while; ``replace``: even where another one is noted."""
        condition = () if replace else ("NX",)
        milliseconds = round(1000 * MARK_SECONDS)
        self._door.execute("SET", self._epoch(item), epoch or NO_EPOCH, "PX", milliseconds, *condition)

    def drop(self, caches: Iterable[Cache]) -> None:
        """Forgets all values of ``caches``, and every value that is being loaded for them."""
        items = [Item(cache, "") for cache in caches]
        self._door.execute_all([("UNLINK", self._values(item), self._epoch(item)) for item in items])

    def _values(self, item: Item) -> str:
        return CACHE_VALUES.key(self._database, cache=item.cache.name, part=item.part)

    def _epoch(self, item: Item) -> str:
        return CACHE_EPOCH.key(self._database, cache=item.cache.name, part=item.part)
