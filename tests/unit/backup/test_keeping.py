"""Which backups are taken, and which are kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.backup.keeping import PLANS, SLACK, Keep, is_dead, is_due, surplus
from chalicelib.backup.naming import BackupName, new_name
from chalicelib.scaling.tiers import TIERS
from infra.foundation.sizes import SIZES

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEEP = Keep(hourly=3, daily=2, weekly=2)


def name(ago: timedelta, tail: str = "00000000") -> BackupName:
    return new_name("us-east-1", "arena", NOON - ago, tail)


def hours(*ago: float) -> list[BackupName]:
    return [name(timedelta(hours=number)) for number in ago]


def test_hours_days_and_weeks_keep_their_newest() -> None:
    """NOON is a Monday."""
    names = hours(0, 0.5, 1, 2, 3, 11, 13, 20, 40, 24 * 8)
    gone = surplus(names, KEEP)
    # Kept: the newest of 12, 11 (11:30) and 11:00's hour …, of today and yesterday, of this week and the last.
    assert set(names) - set(gone) == set(hours(0, 0.5, 2, 13))


def test_where_backups_fail_old_ones_stay() -> None:
    """The hours that count are those that have a backup, however long ago."""
    names = hours(24 * 100, 24 * 100 + 1, 24 * 200)
    assert surplus(names, KEEP) == []


def test_two_of_one_second_are_two() -> None:
    names = [name(timedelta(), "0000000a"), name(timedelta(), "0000000b")]
    assert surplus(names, Keep(hourly=0, daily=0, weekly=0)) == names[:1]


@given(st.lists(st.integers(0, 60 * 24 * 400), min_size=1, max_size=60, unique=True), st.integers(0, 5))
def test_the_newest_is_always_kept_and_tidying_again_changes_nothing(minutes: list[int], count: int) -> None:
    names = [name(timedelta(minutes=ago)) for ago in minutes]
    keep = Keep(hourly=count, daily=count // 2, weekly=count // 3)
    left = set(names) - set(surplus(names, keep))
    assert max(names) in left
    assert len(left) >= min(count, len({one.begun_at.replace(minute=0) for one in names}))
    assert surplus(sorted(left), keep) == []


@pytest.mark.parametrize(
    ("ago", "due"),
    [
        (None, True),
        (timedelta(hours=1), True),
        (timedelta(hours=1) - SLACK, True),
        (timedelta(minutes=49), False),
        (timedelta(), False),
        # Named by a clock that is wrong.
        (-timedelta(hours=5), True),
    ],
)
def test_one_is_taken_when_the_last_is_old_enough(ago: timedelta | None, due: bool) -> None:
    assert is_due(None if ago is None else name(ago), NOON, timedelta(hours=1)) is due


def test_parts_without_a_manifest_are_a_dead_run_s_after_an_hour() -> None:
    assert not is_dead(name(timedelta(minutes=59)), NOON)
    assert is_dead(name(timedelta(minutes=61)), NOON)


def test_every_tier_has_a_plan_the_schedule_can_keep() -> None:
    assert PLANS.keys() == TIERS.keys()
    for plan in PLANS.values():
        assert plan.every % timedelta(hours=1) == timedelta()
        assert plan.keep.longest > plan.every


def test_the_bucket_deletes_nothing_that_a_rule_keeps() -> None:
    """Its lifecycle is for what nobody tidies any more."""
    assert PLANS.keys() == SIZES.keys()
    for tier, plan in PLANS.items():
        assert plan.keep.longest < timedelta(days=SIZES[tier].backup_days)
