"""The win streak after a battle."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.arena.streaks import WinStreak, win_streak_after

NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)
DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("streak", "last_win_at", "score", "expected"),
    [
        (3, NOW - DAY + timedelta(milliseconds=1), 1, 4),
        (3, NOW - DAY, 1, 1),
        (3, None, 1, 1),
        (None, NOW, 1, 1),
        (9, NOW, 200, 10),
        (3, NOW, 0, 0),
    ],
)
def test_streak(streak: object, last_win_at: datetime | None, score: int, expected: int) -> None:
    after = win_streak_after({"battleWinStreak": streak, "lastBattleWinAt": last_win_at}, score, NOW)
    assert after == WinStreak(expected, NOW if score else last_win_at)
