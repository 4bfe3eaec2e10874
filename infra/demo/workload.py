"""What the demo sends and when: a stretch of a real trace, speeded up and brought to a laptop's size. Pure, by seed."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

SMOOTHED_MINUTES = 5
"""The peak is the busiest mean over so many minutes of the trace: one odd minute must not set the scale."""
LEAD_SHARE = 0.12
"""So much of the demo comes before the stretch's steepest rise."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a trace as the demo plays it."""

    first_minute: int
    """Of the trace."""
    rates: tuple[float, ...]
    """Requests per second of the demo, for each of the trace's minutes."""
    step_seconds: float
    """How long the demo stays in one minute of the trace."""

    @property
    def seconds(self) -> float:
        return len(self.rates) * self.step_seconds

    def rate(self, second: float) -> float:
        """Requests per second wanted at ``second`` of the demo; 0 outside."""
        index = int(second // self.step_seconds)
        return self.rates[index] if 0 <= index < len(self.rates) else 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when, by whom, of which kind (indices)."""

    at: float
    """Seconds from the start."""
    player: int
    kind: int


def stretch_of(counts: Sequence[int], *, minutes: float, speed: float, peak_rate: float) -> Stretch:
    """The ``minutes * speed`` minutes of the trace around its steepest rise, the peak scaled to ``peak_rate``.

    Counts are only scaled; arrivals are drawn from the scaled rate (``requests_of``), so that a large trace played
    small has the noise a small service has. Raises ``ValueError`` for a trace that is shorter, or empty there.
    """
    length = round(minutes * speed)
    if not 1 <= length <= len(counts):
        raise ValueError(
            f"the trace has {len(counts)} minutes; {minutes:g} minutes at speed {speed:g} take {length}: "
            "choose fewer minutes or a lower speed"
        )
    first = max(0, min(_steepest(counts) - round(length * LEAD_SHARE), len(counts) - length))
    played = counts[first : first + length]
    window = min(SMOOTHED_MINUTES, length)
    peak = max(sum(played[index : index + window]) / window for index in range(length - window + 1))
    if peak <= 0:
        raise ValueError("the trace has no requests where it would be played: choose another trace")
    rates = tuple(count / peak * peak_rate for count in played)
    return Stretch(first_minute=first, rates=rates, step_seconds=60.0 / speed)


def requests_of(stretch: Stretch, *, seed: int, players: int, weights: Sequence[float]) -> list[Request]:
    """A Poisson process of the stretch's rates; players come at random, kinds by weight. The same for one seed."""
    numbers = random.Random(seed)
    shares = list(accumulate(weights))
    found = []
    for index, rate in enumerate(stretch.rates):
        at = index * stretch.step_seconds
        end = at + stretch.step_seconds
        while rate > 0:
            at += numbers.expovariate(rate)
            if at >= end:
                break
            kind = bisect_right(shares, numbers.random() * shares[-1])
            found.append(Request(at=at, player=numbers.randrange(players), kind=kind))
    return found


def _steepest(counts: Sequence[int]) -> int:
    """The minute before which little happened and after which most did, over 20 minutes each."""
    sums = [0, *accumulate(counts)]
    reach = min(20, max(1, len(counts) // 2))

    def rise(minute: int) -> int:
        return sums[minute + reach] - 2 * sums[minute] + sums[minute - reach]

    return max(range(reach, len(counts) - reach + 1), key=rise, default=0)
