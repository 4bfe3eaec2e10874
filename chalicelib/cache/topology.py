"""Which node serves what, and when that may be asked again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from chalicelib.cache.slots import Address, SlotMap


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRules:
    """How often one environment asks for the slot map, in seconds."""

    interval_seconds: float = 1.0
    """At most once in this time, and later by up to the same time again, drawn anew, so that environments which saw
    the same fault at the same moment ask one after another."""
    interval_seconds_max: float = 2.0
    """The interval doubles while the answer is always the same, up to this."""


class Topology:
    """The current slot map and the right to refresh it, which one caller at a time has."""

    def __init__(
        self,
        startup: tuple[Address, ...],
        current: SlotMap | None,
        rules: RefreshRules,
        now: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.startup = startup
        self.current = current
        self._rules = rules
        self._now = now
        self._draw = draw
        self._lock = Lock()
        self._asking = Lock()
        self._asked = -float("inf")
        self._due: float | None = None if current else -float("inf")
        self._in_vain = 0
        """Refreshes in a row that changed nothing."""

    def want(self) -> None:
        """Something says that the map may be out of date."""
        with self._lock:
            if self._due is None:
                now = self._now()
                if now - self._asked > 2 * self._rules.interval_seconds_max:
                    self._in_vain = 0
                self._due = max(now, self._asked + self._interval()) + self._draw() * self._rules.interval_seconds

    def is_due(self) -> bool:
        return self._due is not None and self._now() >= self._due

    def begin(self, deadline: float) -> bool:
        """Whether the caller is to ask now; then it calls ``finish``.

        While there is no map at all, waits for whoever is asking, until ``deadline`` of the real clock.
        """
        seconds = 0.0 if self.current is not None else max(0.0, deadline - time.monotonic())
        if not self._asking.acquire(timeout=seconds):
            return False
        if self.is_due():
            return True
        self._asking.release()
        return False

    def finish(self, found: SlotMap | None) -> None:
        """``found``: None when no node told."""
        with self._lock:
            self._asked = self._now()
            news = found is not None and found != self.current
            self._in_vain = 0 if news else self._in_vain + 1
            self._due = None
            if found is not None:
                self.current = found
            elif self.current is None:
                self._due = self._asked + self._interval() * (0.5 + 0.5 * self._draw())
        self._asking.release()

    def moved(self, slot: int, to: Address) -> None:
        """A node said that ``slot`` is served elsewhere; other slots may have moved with it."""
        with self._lock:
            if self.current is not None and self.current.owner(slot) != to:
                self.current = self.current.moved(slot, to)
        self.want()

    def _interval(self) -> float:
        return min(self._rules.interval_seconds * 2.0**self._in_vain, self._rules.interval_seconds_max)
