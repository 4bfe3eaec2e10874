"""Streaks: days of logging in, and battles won with less than a day between them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from chalicelib.arena.economy_config import config_nonzero
from chalicelib.arena.jsnumber import whole_amount
from chalicelib.arena.moments import as_moment

WIN_STREAK_COUNTED_MAX: Final = 5
_WIN_STREAK_LIFE: Final = timedelta(hours=24)


class WinStreak(NamedTuple):
    """battleWinStreak and lastBattleWinAt."""

    streak: int
    last_win_at: datetime | None


def login_streak_multiplier(days: object, config: Mapping[str, Any]) -> float:
    """The reward factor of ``days`` logged in without a gap: rising to a week, then two steps."""
    count = whole_amount(days)
    if count >= 30:
        return min(config_nonzero(config, "streakCapMultiplier"), config_nonzero(config, "streakMultiplierAt30Days"))
    if count >= 7:
        return config_nonzero(config, "streakMultiplierAt7Days")
    return 1 + (count - 1) * 0.25 / 6 if count else 1.0


def win_streak_multiplier(wins: object, config: Mapping[str, Any]) -> float:
    """The reward factor of ``wins`` in a row before this battle; no more than five count."""
    counted = min(whole_amount(wins), WIN_STREAK_COUNTED_MAX)
    return 1 + counted * config_nonzero(config, "battleWinStreakBonusBps") / 10000


def win_streak_after(user: Mapping[str, Any], score: int, now: datetime) -> WinStreak:
    """The streak once a battle with ``score`` is over: a win (score > 0) less than 24 h after the last one extends
    it, a later win starts a new one, and a score of 0 ends it."""
    last_win_at = as_moment(user.get("lastBattleWinAt"))
    if score <= 0:
        return WinStreak(0, last_win_at)
    alive = last_win_at is not None and now - last_win_at < _WIN_STREAK_LIFE
    return WinStreak(whole_amount(user.get("battleWinStreak")) + 1 if alive else 1, now)
