"""Seasons by the calendar: month ends, ISO week years, ids that name none."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena.seasons import (
    LENGTHS,
    MONTH,
    WEEK,
    season_at,
    season_before,
    season_by_id,
    season_length,
    still_kept,
)

MOMENTS = st.datetimes(datetime(2000, 1, 3), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (its bounds)


@pytest.mark.parametrize(
    ("moment", "length", "expected"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC), MONTH, "2026-11"),
        (datetime(2026, 12, 1, tzinfo=UTC), MONTH, "2026-12"),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), MONTH, "2028-02"),
        (datetime(2026, 12, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))), MONTH, "2026-11"),
        (datetime(2026, 11, 29, 23, 59, 59, 999_000, tzinfo=UTC), WEEK, "2026-W48"),
        (datetime(2026, 11, 30, tzinfo=UTC), WEEK, "2026-W49"),
        (datetime(2026, 12, 31, tzinfo=UTC), WEEK, "2026-W53"),
        (datetime(2027, 1, 3, 23, 59, 59, 999_000, tzinfo=UTC), WEEK, "2026-W53"),
        (datetime(2027, 1, 4, tzinfo=UTC), WEEK, "2027-W01"),
        (datetime(2024, 12, 30, tzinfo=UTC), WEEK, "2025-W01"),
    ],
)
def test_the_calendar_names_the_season(moment: datetime, length: str, expected: str) -> None:
    assert season_at(moment, length).id == expected


@given(MOMENTS, st.sampled_from(LENGTHS))
def test_seasons_tile_time(moment: datetime, length: str) -> None:
    """A season includes its moments, ends where the next begins, and is found by its name."""
    season = season_at(moment, length)
    assert season.starts_at <= moment < season.ends_at
    assert season_at(season.starts_at, length) == season == season_by_id(season.id)
    following = season_at(season.ends_at, length)
    assert following.starts_at == season.ends_at
    assert season_before(following, length) == season
    assert season.id < following.id
    assert still_kept(season, following)
    assert not still_kept(season, season_at(following.ends_at, length))


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-0", "2026-00", "2026-13", "2026-W00", "2026-W54", "2027-W53", "0000-01", "9999-12", "2026-11 "],
)
def test_no_season_is_called_that(text: str) -> None:
    """A week 53 only exists in long years."""
    assert season_by_id(text) is None


def test_the_length_is_a_setting() -> None:
    """What is not a week is a month."""
    assert [season_length({"seasonLength": value}) for value in ("week", "month", None, 7, "day")] == [
        WEEK,
        MONTH,
        MONTH,
        MONTH,
        MONTH,
    ]
