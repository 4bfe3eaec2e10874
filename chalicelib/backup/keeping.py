"""How often backups are taken, and which are kept, as data by tier. Pure.

A rule keeps the newest backup of each of the last so many hours, days or weeks *that have one*: where backups fail, old
ones stay. The newest is always kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from chalicelib.backup.naming import BackupName

SLACK: Final = timedelta(minutes=10)
"""A schedule that fires a little early, or twice, finds the last backup young enough or not."""
DEAD_AFTER: Final = timedelta(hours=1)
"""Parts without a manifest are a dead run's after so long: no run takes a tenth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How many hours, UTC days and ISO weeks keep their newest backup."""

    hourly: int
    daily: int
    weekly: int

    @property
    def longest(self) -> timedelta:
        """How old a kept backup gets while backups succeed: what a bucket's lifecycle must not cut short."""
        return max(timedelta(hours=self.hourly), timedelta(days=self.daily), timedelta(weeks=self.weekly))


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """One tier's."""

    every: timedelta
    """A whole number of hours: the schedule fires hourly."""
    keep: Keep


PLANS: Final[Mapping[str, BackupPlan]] = MappingProxyType(
    {
        "development": BackupPlan(every=timedelta(hours=1), keep=Keep(hourly=3, daily=2, weekly=0)),
        "staging": BackupPlan(every=timedelta(hours=6), keep=Keep(hourly=4, daily=6, weekly=0)),
        "production": BackupPlan(every=timedelta(hours=1), keep=Keep(hourly=48, daily=14, weekly=4)),
        "enterprise": BackupPlan(every=timedelta(hours=1), keep=Keep(hourly=72, daily=30, weekly=12)),
    }
)
"""By tier."""

_PERIODS: Final[Sequence[Callable[[datetime], object]]] = (
    lambda at: (at.date(), at.hour),
    lambda at: at.date(),
    lambda at: at.isocalendar()[:2],
)


def is_due(newest: BackupName | None, now: datetime, every: timedelta) -> bool:
    """Whether a backup is to be taken. One from the future was named by a wrong clock and does not count."""
    if newest is None or newest.begun_at > now + SLACK:
        return True
    return now - newest.begun_at >= every - SLACK


def surplus(names: Sequence[BackupName], keep: Keep) -> list[BackupName]:
    """Those of one database's whole backups that no rule keeps, the oldest first."""
    newest_first = sorted(names, reverse=True)
    kept = set(newest_first[:1])
    for period, count in zip(_PERIODS, (keep.hourly, keep.daily, keep.weekly), strict=True):
        seen: set[object] = set()
        for name in newest_first:
            which = period(name.begun_at)
            if len(seen) < count and which not in seen:
                kept.add(name)
                seen.add(which)
    return sorted(set(names) - kept)


def is_dead(name: BackupName, now: datetime) -> bool:
    """Of a backup without manifest: whether nobody is at it any more."""
    return now - name.begun_at > DEAD_AFTER
