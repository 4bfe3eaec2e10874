"""Seasons: stretches of time, named after the UTC calendar. Pure.

A season is a function of the moment and of one setting (``economyconfigs.seasonLength``), so nobody has to
open or close one: a battle counts in the season its own time lies in, however late anything else runs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from chalicelib.arena.economy_config import config_value

MONTH: Final = "month"
WEEK: Final = "week"
LENGTHS: Final = (MONTH, WEEK)

_MONTH_ID: Final = re.compile(r"([1-9][0-9]{3})-(0[1-9]|1[0-2])")
_WEEK_ID: Final = re.compile(r"([1-9][0-9]{3})-W(0[1-9]|[1-4][0-9]|5[0-3])")
_LAST_YEAR: Final = 9998
"""Seasons end in the year they are named after, or the one after it; datetime knows no year 10000."""


@dataclass(frozen=True, slots=True)
class Season:
    """One season: ``starts_at`` <= moment < ``ends_at``, both UTC midnights."""

    id: str
    """2026-11 (a month) or 2026-W48 (an ISO week, which starts on Monday)."""
    starts_at: datetime
    ends_at: datetime


def season_length(config: Mapping[str, Any]) -> str:
    """``month`` or ``week`` by the economy's settings; anything else counts as a month."""
    length = config_value(config, "seasonLength")
    return WEEK if length == WEEK else MONTH


def season_at(moment: datetime, length: str) -> Season:
    """The season of ``length`` that ``moment`` lies in."""
    day = moment.astimezone(UTC).date()
    if length == WEEK:
        year, week, _ = day.isocalendar()
        return _week(year, week)
    return _month(day.year, day.month)


def season_by_id(season_id: str) -> Season | None:
    """The season of this id, or None when no season can be called that."""
    if found := _MONTH_ID.fullmatch(season_id):
        year, month = int(found[1]), int(found[2])
        return _month(year, month) if year <= _LAST_YEAR else None
    if found := _WEEK_ID.fullmatch(season_id):
        year, week = int(found[1]), int(found[2])
        # A week 53 exists in long years only; their last ISO week holds the 28th of December.
        if year <= _LAST_YEAR and week <= date(year, 12, 28).isocalendar().week:
            return _week(year, week)
    return None


def season_before(season: Season, length: str) -> Season:
    """The season of ``length`` that the last moment before ``season`` lies in."""
    return season_at(season.starts_at - timedelta(milliseconds=1), length)


def still_kept(season: Season, current: Season) -> bool:
    """Whether players who fight in ``current`` keep their sums of ``season``: it ended as that began, or later.

    What ended earlier is dropped by their next battle. Seasons of different lengths may overlap.
    """
    return season.ends_at >= current.starts_at


def _month(year: int, month: int) -> Season:
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return Season(f"{year:04d}-{month:02d}", datetime(year, month, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC))


def _week(year: int, week: int) -> Season:
    monday = date.fromisocalendar(year, week, 1)
    starts_at = datetime(monday.year, monday.month, monday.day, tzinfo=UTC)
    return Season(f"{year:04d}-W{week:02d}", starts_at, starts_at + timedelta(days=7))
