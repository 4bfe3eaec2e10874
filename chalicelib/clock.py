"""Time, passed in rather than read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the current time: timezone-aware UTC, whole milliseconds (the resolution MongoDB stores)."""


def to_millisecond(moment: datetime) -> datetime:
    """``moment`` cut to whole milliseconds, so that what is answered equals what is stored."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def system_clock() -> datetime:
    """The machine's clock."""
    return to_millisecond(datetime.now(UTC))


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: datetime) -> None:
        self._now = to_millisecond(start)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves the clock forward by ``seconds`` (negative moves it back)."""
        self._now = to_millisecond(self._now + timedelta(seconds=seconds))
