"""Reading through the cache: one load for however many ask, and never a value older than a change that was announced.

::

    look ── fresh ───────────────────────────────────────────────> answer
      │     due (XFetch), stale ── lease ── somebody loads ──────> answer, as it was
      │                              └ granted ── load ── store ─> answer
      └ absent ── lease ── granted ── load ── store ─────────────> answer
                    └ somebody loads: pause, look again … until the wait is over: load ─> answer

What callers may rely on:

- An answer is at least as new as every change whose invalidation was done when the question began (``invalidation``).
  A value shared by waiting was stored, and therefore not invalidated, after the waiting began.
- Redis away is no error: the value is loaded, and the read counts as ``degraded``. Nor is a wait that takes too long:
  the value is loaded, and stored if it still may be. What loading raises is raised.
- A process that could not reach Redis has missed what happened there: it reads the entities' epochs anew from the
  database before it believes an entry again.
"""

import contextlib
import copy
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeVar

from chalicelib.arena.moments import epoch_ms
from chalicelib.cache.cached_values import Item
from chalicelib.cache.door import CacheUnavailable
from chalicelib.cache.freshness import Entry, entry_of, state_of
from chalicelib.cache.packing import Unpackable, pack, unpack
from chalicelib.cache.stored_values import Look, StoredValues
from chalicelib.clock import Clock

T = TypeVar("T")

WAIT_SECONDS: Final = 0.5
"""How long a caller waits for another's load before it loads by itself."""
PAUSE_SECONDS_MIN: Final = 0.005
PAUSE_SECONDS_MAX: Final = 0.05

SKEW_MS: Final = 250
"""By how much the clocks of two environments may differ."""

Result = Literal["hit", "miss", "degraded"]
Observer = Callable[[str, Result], None]
"""Is told how each read of a cache, by its name, went."""


class Epochs(Protocol):
    """A text for each entity, kept in the database; it changes when cached values of it may no longer be believed."""

    def current(self, entity: str) -> str:
        """Empty before the first change. Raises ``Unavailable``."""
        ...

    def renew(self, entity: str) -> None:
        """Raises ``Unavailable``."""
        ...


@dataclass(frozen=True, slots=True)
class _Hit:
    value: Any


@dataclass(frozen=True, slots=True)
class _Task:
    """What a caller has to load, and how it may store it."""

    epoch: str = ""
    generation: str | None = None
    """None = not at all."""
    token: str = ""
    instead: _Hit | None = None
    """What is still fresh, should loading fail."""


class ReadThrough:
    """Safe for threads. ``draw`` is uniform in [0, 1)."""

    def __init__(
        self,
        stored: StoredValues,
        epochs: Epochs,
        clock: Clock,
        *,
        observer: Observer = lambda _cache, _result: None,
        wait_seconds: float = WAIT_SECONDS,
        draw: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stored = stored
        self._epochs = epochs
        self._clock = clock
        self._observer = observer
        self._wait_seconds = wait_seconds
        self._draw = draw
        self._monotonic = monotonic
        self._pause = pause
        self._ahead_ms = 0
        self._outages = 0
        self._checked: dict[str, int] = {}
        """By cache, how many outages there had been when its epoch was last read from the database."""

    def ahead(self, seconds: float, observer: Observer) -> "ReadThrough":
        """A reader that loads already what ends within ``seconds``."""
        reader = copy.copy(self)
        reader._ahead_ms, reader._observer, reader._checked = round(1000 * seconds), observer, {}
        return reader

    def cached(self, item: Item, load: Callable[[], T], *, newer_than: str | None = None) -> T:
        """The value of ``item``, from the cache or from ``load``.

        ``newer_than`` is a key of Redis; where it holds a time, this caller gets a value loaded after that. Raises what
        ``load`` raises, and ``Unavailable`` when the database can't tell an epoch.
        """
        try:
            found = self._find(item, newer_than)
        except CacheUnavailable:
            self._outages += 1
            self._observer(item.cache.name, "degraded")
            return load()
        self._observer(item.cache.name, "hit" if isinstance(found, _Hit) else "miss")
        value: T = found.value if isinstance(found, _Hit) else self._load(item, found, load)
        return value

    def _find(self, item: Item, newer_than: str | None) -> _Hit | _Task:
        give_up_at = self._monotonic() + self._wait_seconds
        pause, token, waits = PAUSE_SECONDS_MIN, secrets.token_hex(8), True
        while True:
            look = self._stored.look(item, newer_than)
            epoch = self._epoch(item, look)
            entry = look.entry if look.entry is not None and _counts(look.entry, epoch, look.noted) else None
            now, draw = epoch_ms(self._clock()), 1 - self._draw()
            state = state_of(entry, now, beta=item.cache.lifetime.beta, draw=draw, ahead_ms=self._ahead_ms)
            if entry is not None and entry.kind == "large" and state != "absent":
                return _Task()
            hit = None if entry is None or state == "absent" else _hit(entry)
            if state == "fresh" and hit is not None:
                return hit
            granted, generation = self._stored.lease(item, token, look.seen)
            if granted == "granted":
                return _Task(epoch, generation, token, hit if state == "due" else None)
            if granted == "full":
                return _Task()
            if granted == "busy" and hit is not None:
                return hit
            if not waits:
                return _Task(epoch, generation or None)
            if granted == "busy":
                self._pause(pause * (1 - self._draw() / 2))
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
            # One more look after the wait is over: what was waited for may have come.
            waits = self._monotonic() < give_up_at

    def _epoch(self, item: Item, look: Look) -> str:
        entity, name = item.cache.entity, item.cache.name
        if entity is None:
            return ""
        outages = self._outages
        in_doubt = self._checked.get(name, 0) != outages
        if look.epoch is not None and not in_doubt:
            return look.epoch
        epoch = self._epochs.current(entity)
        self._stored.believe(item, epoch, replace=in_doubt)
        self._checked[name] = outages
        return epoch

    def _load(self, item: Item, task: _Task, load: Callable[[], T]) -> T:
        loaded_at, started = epoch_ms(self._clock()), self._monotonic()
        try:
            value = load()
        except Exception:
            self._release(item, task)
            if task.instead is None:
                raise
            instead: T = task.instead.value
            return instead
        if task.generation is not None:
            self._store(item, task, value, loaded_at, 1000 * (self._monotonic() - started))
        return value

    def _store(self, item: Item, task: _Task, value: object, loaded_at: int, cost_ms: float) -> None:
        try:
            payload, large = pack(value), False
        except Unpackable:
            payload, large = "", True
        entry = entry_of(
            payload,
            item.cache.lifetime,
            kind="large" if large else "value",
            absent=value is None or value is False,
            loaded_at=loaded_at,
            cost_ms=cost_ms,
            epoch=task.epoch,
            draw=self._draw(),
        )
        try:
            self._stored.store(item, entry, task.generation or "", task.token)
        except CacheUnavailable:
            self._outages += 1

    def _release(self, item: Item, task: _Task) -> None:
        if task.token:
            with contextlib.suppress(CacheUnavailable):
                self._stored.release(item, task.token)


def _counts(entry: Entry, epoch: str, newer_than: int | None) -> bool:
    """Whether ``entry`` may be shown at all."""
    return entry.epoch == epoch and (newer_than is None or entry.loaded_at > newer_than + SKEW_MS)


def _hit(entry: Entry) -> _Hit | None:
    try:
        return _Hit(unpack(entry.payload))
    except ValueError:
        return None
