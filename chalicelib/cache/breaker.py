"""Circuit breaker: whether one Redis node may be asked now. Pure; the door keeps one state per node.

::

    closed --failures_to_open failures in a row--> open --its time is over--> half-open --one probe answers--> closed
                                                    ^                              |
                                                    +-------the probe fails--------+   (longer each time, up to a limit)

While half-open exactly one caller probes; all others are refused at once, as while open. A probe that never reports
back (its environment was frozen) gives its place up after ``probe_seconds``.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

Position = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When a breaker opens and for how long, in seconds."""

    failures_to_open: int = 2
    """One lost answer is a hiccup: a failover elsewhere, a slow command, a connection cut while idle."""
    open_seconds: float = 1.0
    open_seconds_max: float = 5.0
    """The open time doubles with every failed probe up to this."""
    probe_seconds: float = 10.0
    spread: float = 0.25
    """Open times vary by this share either way, so that environments that lost a node together part."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """One node's state. Times are in seconds of the caller's monotonic clock."""

    failures: int = 0
    """In a row."""
    openings: int = 0
    """Since it was last closed."""
    retry_at: float | None = None
    """From when a probe may go; None = closed."""
    probing_until: float | None = None
    """Until when the running probe holds its place; None = nobody probes."""

    def position(self, now: float) -> Position:
        if self.retry_at is None:
            return "closed"
        return "open" if now < self.retry_at else "half-open"


CLOSED: Final = Breaker()


def admit(breaker: Breaker, now: float, rules: BreakerRules) -> tuple[bool, Breaker]:
    """Whether the caller may ask the node; in half-open position the admitted caller is the probe."""
    if breaker.retry_at is None:
        return True, breaker
    if now < breaker.retry_at or (breaker.probing_until is not None and now < breaker.probing_until):
        return False, breaker
    return True, replace(breaker, probing_until=now + rules.probe_seconds)


def succeeded(_breaker: Breaker) -> Breaker:
    """After an answer, whoever asked: a node that answers is there."""
    return CLOSED


def released(breaker: Breaker) -> Breaker:
    """After an admitted caller learned nothing about the node: a probe's place is free again."""
    return replace(breaker, probing_until=None)


def failed(breaker: Breaker, now: float, rules: BreakerRules, draw: float) -> Breaker:
    """After no answer. ``draw`` in [0, 1) spreads the time of the next probe."""
    if breaker.retry_at is not None and breaker.probing_until is None:
        # A call admitted before it opened: already accounted for.
        return breaker
    failures = breaker.failures + 1
    if breaker.retry_at is None and failures < rules.failures_to_open:
        return replace(breaker, failures=failures)
    seconds = min(rules.open_seconds * 2**breaker.openings, rules.open_seconds_max)
    spread = 1 + rules.spread * (2 * draw - 1)
    return Breaker(failures=failures, openings=breaker.openings + 1, retry_at=now + seconds * spread)
