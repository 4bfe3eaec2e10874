"""One Redis node as the door sees it: a few connections and a breaker."""

import random
import time
from collections.abc import Callable
from threading import Condition, Lock
from typing import TYPE_CHECKING

from chalicelib.cache.breaker import CLOSED, Breaker, BreakerRules, Position, admit, failed, released, succeeded
from chalicelib.cache.counters import CacheObserver
from chalicelib.cache.slots import Address

if TYPE_CHECKING:
    from chalicelib.cache.links import Link

OpenLink = Callable[[Address], "Link"]


class Node:
    """Connections to one address, at most ``connections`` of them, and whether it may be asked."""

    def __init__(
        self,
        address: Address,
        connections: int,
        open_link: OpenLink,
        rules: BreakerRules,
        observer: CacheObserver,
        now: Callable[[], float],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.address = address
        self._connections = connections
        self._open_link = open_link
        self._rules = rules
        self._observer = observer
        self._now = now
        self._draw = draw
        self._idle: list[Link] = []
        self._busy = 0
        self._closed = False
        self._free = Condition(Lock())
        self._breaker = CLOSED
        self._breaker_lock = Lock()

    def position(self) -> Position:
        return self._breaker.position(self._now())

    def admit(self) -> bool:
        """Whether the caller may ask now; then it must report ``succeeded``, ``failed`` or ``released``."""
        with self._breaker_lock:
            admitted, breaker = admit(self._breaker, self._now(), self._rules)
            probe = breaker != self._breaker
            self._breaker = breaker
        if probe:
            self._tell("half-open")
        return admitted

    def succeeded(self) -> None:
        self._change(succeeded)

    def released(self) -> None:
        self._change(released)

    def failed(self) -> None:
        self._change(lambda breaker: failed(breaker, self._now(), self._rules, self._draw()))

    def _change(self, change: Callable[[Breaker], Breaker]) -> None:
        with self._breaker_lock:
            before, self._breaker = self._breaker, change(self._breaker)
            after = self._breaker
        if after.retry_at != before.retry_at:
            self._tell("closed" if after.retry_at is None else "open")

    def _tell(self, state: Position) -> None:
        self._observer.breaker(f"{self.address[0]}:{self.address[1]}", state)

    def take(self, deadline: float) -> "Link | None":
        """A connection of the caller's own until it gives it back; None if none is free before ``deadline``."""
        with self._free:
            while not self._idle and self._busy >= self._connections:
                if not self._free.wait(max(0.0, deadline - time.monotonic())):
                    return None
            self._busy += 1
            link = self._idle.pop() if self._idle else None
        if link is None:
            return self._open_link(self.address)
        link.drop_if_stale()
        return link

    def give_back(self, link: "Link") -> None:
        with self._free:
            self._busy -= 1
            if self._closed:
                link.close()
            elif link.connected:
                self._idle.append(link)
            self._free.notify()

    def shed(self) -> None:
        """Closes idle connections; new ones may be opened."""
        with self._free:
            while self._idle:
                self._idle.pop().close()

    def close(self) -> None:
        """Closes idle connections now and the others when they come back; nobody asks this node any more."""
        with self._free:
            self._closed = True
        self.shed()
        self.succeeded()
