"""What returns: the minute of the hour (schedules of 5, 15, 30 and 60 minutes) and the time of day.

Both are learned as factors on a slow level, never switched on or configured.
"""

from typing import Any, Final

HOUR: Final = 60
PERIODS_MINUTES: Final = (5, 15, 30, 60)
"""Each divides the next, so that a short period's profile is what the longer one's falls back to."""
PRIOR_VISITS: Final = 2.0
"""How many observations the shorter period's profile counts for."""
KEEP_PER_HOUR: Final = 0.9
FACTOR_MIN: Final = 0.02
DAY_SLOTS: Final = 288
"""Five minutes each."""
DAY_SLOT_SECONDS: Final = 300
DAY_GAIN: Final = 0.4
"""Weight of the latest day in a slot's mean."""


class HourRhythm:
    """Factors by minute of the hour."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        stored = state or {"sum": [0.0] * HOUR, "visits": [0.0] * HOUR, "factors": [1.0] * HOUR}
        self._sum, self._visits = list(stored["sum"]), list(stored["visits"])
        self.factors: list[float] = list(stored["factors"])

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {"sum": self._sum, "visits": self._visits, "factors": self.factors}

    def learn(self, minute: int, factor: float) -> None:
        """One minute was ``factor`` times the level."""
        self._sum[minute] = KEEP_PER_HOUR * self._sum[minute] + factor
        self._visits[minute] = KEEP_PER_HOUR * self._visits[minute] + 1.0
        estimate = [sum(self._sum) / sum(self._visits)] * HOUR
        for period in PERIODS_MINUTES:
            sums = [sum(self._sum[phase::period]) for phase in range(period)]
            visits = [sum(self._visits[phase::period]) for phase in range(period)]
            estimate = [
                (sums[phase % period] + PRIOR_VISITS * estimate[phase]) / (visits[phase % period] + PRIOR_VISITS)
                for phase in range(HOUR)
            ]
        self.factors = [max(factor, FACTOR_MIN) for factor in estimate]


class DayRhythm:
    """Mean load by time of day; 0 where no day has been seen yet."""

    def __init__(self, state: list[float] | None = None) -> None:
        self._slots = list(state or [0.0] * DAY_SLOTS)

    def state(self) -> list[float]:
        """As JSON."""
        return self._slots

    def learn(self, second: float, load: float) -> None:
        """The slot that ends at ``second`` had ``load``."""
        slot = (int(second // DAY_SLOT_SECONDS) - 1) % DAY_SLOTS
        known = self._slots[slot]
        self._slots[slot] = known + DAY_GAIN * (load - known) if known > 0 else load

    def change(self, now: float, then: float) -> float:
        """Load at ``then`` over load at ``now`` on days seen; 1 when unknown."""
        before = self._slots[int(now // DAY_SLOT_SECONDS) % DAY_SLOTS]
        after = self._slots[int(then // DAY_SLOT_SECONDS) % DAY_SLOTS]
        return after / before if before > 0 and after > 0 else 1.0
