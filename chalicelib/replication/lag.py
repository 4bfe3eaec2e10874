"""How long it takes from a commit in one region to its application in another, and how far their clocks are apart.
Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import ceil
from typing import Any, Final

from chalicelib.replication.outbox_ports import Waiting

SKEW_SHOWN_SECONDS: Final = 0.05
"""Clocks less apart are not told from messages that take longer one way than the other."""
SKEW_EVENTS_MIN: Final = 20
"""Both ways: the least lag of fewer may be that of a slow moment, not of the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairLag:
    """From ``source`` to ``target``, in seconds; None where no event was looked at."""

    source: str
    target: str
    events: int
    p50_seconds: float | None
    p99_seconds: float | None
    least_seconds: float | None
    """Below zero: the target's clock is behind the source's."""
    skew_seconds: float | None
    """How far the target's clock is ahead of the source's, from the least lags both ways: half of what they differ
    by, were messages equally fast both ways. None where either way has fewer than ``SKEW_EVENTS_MIN`` events."""
    waiting: int
    """Events not sent yet."""
    oldest_seconds: float | None
    """Age of the oldest of them."""
    set_aside: int
    """Events that can't be sent."""

    @property
    def clocks_differ(self) -> bool:
        """Whether it is worth a look: order does not depend on clocks, what lags say does."""
        apart = self.skew_seconds is not None and abs(self.skew_seconds) >= SKEW_SHOWN_SECONDS
        return apart or (self.least_seconds is not None and self.least_seconds < 0)

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "clocks_differ": self.clocks_differ}


def lags(
    applied: Mapping[str, Sequence[Mapping[str, Any]]], waiting: Mapping[tuple[str, str], Waiting], now: datetime
) -> list[PairLag]:
    """Of every pair of regions.

    ``applied``: by target, events it applied: {region, occurredAt, appliedAt}. ``waiting``: by source and target.
    """
    seen = {
        (source, target): sorted(
            (row["appliedAt"] - row["occurredAt"]).total_seconds() for row in rows if row["region"] == source
        )
        for target, rows in applied.items()
        for source in applied
        if source != target
    }
    return [_pair(source, target, seen, waiting[source, target], now) for source, target in sorted(seen)]


def _pair(
    source: str,
    target: str,
    seen: Mapping[tuple[str, str], Sequence[float]],
    waiting: Waiting,
    now: datetime,
) -> PairLag:
    there, back = seen[source, target], seen[target, source]
    oldest = None if waiting.oldest_at is None else (now - waiting.oldest_at).total_seconds()
    return PairLag(
        source=source,
        target=target,
        events=len(there),
        p50_seconds=_percentile(there, 50),
        p99_seconds=_percentile(there, 99),
        least_seconds=there[0] if there else None,
        skew_seconds=(there[0] - back[0]) / 2 if min(len(there), len(back)) >= SKEW_EVENTS_MIN else None,
        waiting=waiting.events,
        oldest_seconds=oldest,
        set_aside=waiting.set_aside,
    )


def _percentile(ordered: Sequence[float], share: int) -> float | None:
    """By nearest rank."""
    return ordered[max(0, ceil(len(ordered) * share / 100) - 1)] if ordered else None
