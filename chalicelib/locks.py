"""Locks: work that one holder at a time does, and the number by which a write of an earlier holder is refused.

A lock has two parts, because no lease that ends by itself can be trusted alone. A holder may be paused (a frozen
environment, a long collection of garbage) and wake up after its lease has gone to somebody else::

    A   lease, fence 7 ── reads ── paused ·········lease over·················· writes under 7: FencedOut
    B                                                  lease, fence 8 ── reads ── writes under 8: stored

* The *lease* lies in Redis. It spares others from doing the same work at the same time, and may be lost.
* The *fence* is a number that only rises, drawn from MongoDB after the lease was taken. Whatever must not be written
  by two is written under it, and refused where the write happens as soon as a newer one was drawn.

Without Redis, or while it does not answer, the holder works under its fence alone: runs may overlap then, and the
newest is the one whose writes are stored. Pure: leases, fences and time are passed in.
"""

import contextlib
import random
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from chalicelib.errors import Conflict

DEFAULT_SECONDS: Final = 30.0
"""The operators' guide's figure. Below the minute after which a schedule runs again, so that one whose holder died is
free by then."""

EXTENDED_AFTER: Final = 1 / 3
"""The share of its term after which a lock is extended while work goes on."""

POLL_SECONDS: Final = 0.05
"""The longest pause between two tries for a lock that is waited for."""

Taken = Literal["taken", "busy", "unknown"]
Kept = Literal["kept", "lost", "unknown"]


@dataclass(frozen=True, slots=True)
class Guard:
    """What a protected write shows."""

    lock: str
    fence: int


class FencedOut(Conflict):
    """A newer holder has drawn its fence: nothing was written, and the work is the other's now."""

    def __init__(self, guard: Guard) -> None:
        super().__init__("fenced_out", f"lock {guard.lock!r} has a newer holder than number {guard.fence}")


class Leases(Protocol):
    """Leases by name that end by themselves.

    ``unknown`` means that the server did not answer: what was asked for may have happened or not.
    """

    def take(self, name: str, token: str, milliseconds: int) -> Taken:
        """Begins the lease ``name`` for ``token``, unless there is one."""
        ...

    def extend(self, name: str, token: str, milliseconds: int) -> Kept: ...

    def release(self, name: str, token: str) -> None:
        """Ends the lease if it is ``token``'s; otherwise, or without an answer, nothing happens."""
        ...


class Fences(Protocol):
    """Numbers that only rise, by lock. Every method raises ``Unavailable``."""

    def draw(self, lock: str) -> int:
        """A number higher than any that was drawn for ``lock`` before."""
        ...

    def is_newest(self, guard: Guard) -> bool: ...


class Held:
    """A lock somebody holds."""

    def __init__(
        self,
        guard: Guard,
        fences: Fences,
        monotonic: Callable[[], float],
        *,
        seconds: float,
        since: float,
        lease: "Lease | None",
        exclusive: bool,
    ) -> None:
        """``since`` is when the lease was asked for. Not ``exclusive``: whether it was taken nobody knows."""
        self.guard: Final = guard
        self.exclusive: Final = exclusive
        """Whether others are kept from working; if not, only from writing."""
        self._fences = fences
        self._monotonic = monotonic
        self._seconds = seconds
        self._until = since + seconds
        self._lease = lease

    @property
    def fence(self) -> int:
        return self.guard.fence

    def remaining(self, now: float) -> float:
        """Seconds of the term left at ``now`` of the monotonic clock.

        Advice only: a clock that stood still with its environment believes in a term that is over.
        """
        return max(0.0, self._until - now)

    def extend(self) -> bool:
        """Begins another full term; False when the lock was lost, and whoever lost it should stop.

        Where Redis does not answer the fence decides: it is still the newest, or it is lost. Raises ``Unavailable``.
        """
        since = self._monotonic()
        kept: Kept = "unknown"
        if self._lease is not None and self.exclusive:
            kept = self._lease.extend(self._seconds)
        if kept == "unknown":
            kept = "kept" if self._fences.is_newest(self.guard) else "lost"
        self._until = since + self._seconds if kept == "kept" else since
        return kept == "kept"

    def while_held(self, may_go_on: Callable[[], bool]) -> Callable[[], bool]:
        """``may_go_on``, for work in steps: false as well once the lock is lost. Extends it on the way."""

        def go_on() -> bool:
            if not may_go_on():
                return False
            fresh = self.remaining(self._monotonic()) > self._seconds * (1 - EXTENDED_AFTER)
            return fresh or self.extend()

        return go_on

    def release(self) -> None:
        """Lets the next one in. A lock that is somebody else's by now stays theirs."""
        self._until = self._monotonic()
        if self._lease is not None:
            self._lease.release()


@dataclass(frozen=True, slots=True)
class Lease:
    """One holder's lease."""

    leases: Leases
    name: str
    token: str

    def extend(self, seconds: float) -> Kept:
        return self.leases.extend(self.name, self.token, _milliseconds(seconds))

    def release(self) -> None:
        self.leases.release(self.name, self.token)


class Locks:
    """Locks by name. ``leases`` is None where there is no Redis."""

    def __init__(
        self,
        leases: Leases | None,
        fences: Fences,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        choice: random.Random | None = None,
    ) -> None:
        self._leases = leases
        self._fences = fences
        self._monotonic = monotonic
        self._pause = pause
        self._choice = choice or random.Random()

    def acquire(self, name: str, *, seconds: float = DEFAULT_SECONDS, wait_seconds: float = 0.0) -> Held | None:
        """The lock, or None when another holds it and goes on doing so for ``wait_seconds``.

        Raises ``Unavailable`` when no fence can be drawn.
        """
        give_up_at = self._monotonic() + wait_seconds
        token = secrets.token_hex(16)
        while True:
            since = self._monotonic()
            taken = "unknown" if self._leases is None else self._leases.take(name, token, _milliseconds(seconds))
            if taken != "busy":
                return self._held(name, token, seconds, since, exclusive=taken == "taken")
            left = give_up_at - self._monotonic()
            if left <= 0:
                return None
            # At random: those who wait together must not go on meeting each other.
            self._pause(min(left, POLL_SECONDS * self._choice.uniform(0.2, 1)))

    @contextlib.contextmanager
    def hold(self, name: str, *, seconds: float = DEFAULT_SECONDS, wait_seconds: float = 0.0) -> Iterator[Held | None]:
        """``acquire`` for the length of a block."""
        held = self.acquire(name, seconds=seconds, wait_seconds=wait_seconds)
        try:
            yield held
        finally:
            if held is not None:
                held.release()

    def _held(self, name: str, token: str, seconds: float, since: float, *, exclusive: bool) -> Held:
        lease = None if self._leases is None else Lease(self._leases, name, token)
        try:
            # Drawn after the lease was taken: of two holders in a row, the later one's number is the higher.
            guard = Guard(name, self._fences.draw(name))
        except BaseException:
            if lease is not None:
                lease.release()
            raise
        return Held(
            guard, self._fences, self._monotonic, seconds=seconds, since=since, lease=lease, exclusive=exclusive
        )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
