"""Versions rise with what was read, whatever clocks say; stamps know which writes are known."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.replication.versions import (
    LENGTH,
    NEVER,
    covers,
    joined,
    milliseconds,
    newest_of,
    next_version,
    rank_of,
    sequence_of,
    well_formed,
)

NOON = datetime(2026, 11, 23, 12, 0, 0, 123000, tzinfo=UTC)


def test_a_version_says_when_and_where() -> None:
    """12 digits of milliseconds, 4 of a counter, 1 of the rank; exact, though 123 ms has no exact fraction."""
    version = next_version(NOON, (), 2)
    assert (len(version), version[12:]) == (LENGTH, "00002")
    assert milliseconds(version) == round(NOON.timestamp() * 1000)
    assert rank_of(version) == 2
    assert sequence_of(version) == version[:16]
    assert rank_of(NEVER) == -1
    assert version > NEVER


@pytest.mark.parametrize("skew_seconds", [0, 0.001, -0.001, 3600, -3600, -86_400 * 365])
def test_what_is_written_is_above_what_was_read(skew_seconds: float) -> None:
    """A writer whose clock is an hour, or a year, behind whoever wrote before."""
    read = next_version(NOON, (), 9)
    written = next_version(NOON + timedelta(seconds=skew_seconds), [NEVER, read], 0)
    assert written > read
    again = next_version(NOON - timedelta(days=1), [written, read], 5)
    assert again > written


def test_a_full_counter_borrows_a_millisecond() -> None:
    full = f"{milliseconds(next_version(NOON, (), 0)):012x}ffff0"
    later = next_version(NOON, [full], 1)
    assert later > full
    assert (milliseconds(later), later[12:16]) == (milliseconds(full) + 1, "0000")


def test_versions_rise_in_a_chain_of_writers_with_wrong_clocks() -> None:
    """Seeded: ten thousand writes, each of a region that has read the last."""
    seed = 4
    print(f"seed {seed}")
    chance, last = random.Random(seed), NEVER
    for _ in range(10_000):
        now = NOON + timedelta(milliseconds=chance.randint(-5, 5))
        version = next_version(now, [last], chance.randrange(16))
        assert version > last
        last = version


def test_a_clock_that_is_right_is_followed() -> None:
    """The counter is for ties alone."""
    later = next_version(NOON + timedelta(milliseconds=1), [next_version(NOON, (), 3)], 0)
    assert later[12:16] == "0000"


@pytest.mark.parametrize("rank", [-1, 16])
def test_a_rank_is_one_digit(rank: int) -> None:
    with pytest.raises(ValueError, match="0 to 15"):
        next_version(NOON, (), rank)


@pytest.mark.parametrize("found", [None, 1, "", "0" * 16, "0" * 18, "g" * 17, "A" * 17, b"0" * 17])
def test_what_is_no_version(found: object) -> None:
    assert not well_formed(found)


def v(moment: int, rank: int) -> str:
    return f"{moment:012x}0000{rank:x}"


VERSIONS = st.builds(v, st.integers(1, 6), st.integers(0, 2))
STAMPS = st.lists(VERSIONS, max_size=6).map(lambda versions: _stamp(versions))


def _stamp(versions: list[str]) -> str:
    stamp = NEVER
    for version in versions:
        stamp = joined(stamp, version)
    return stamp


def test_a_stamp_keeps_the_latest_of_each_region_the_highest_first() -> None:
    stamp = _stamp([v(1, 0), v(3, 1), v(2, 0)])
    assert stamp == f"{v(3, 1)} {v(2, 0)}"
    assert newest_of(stamp) == v(3, 1)
    assert newest_of(NEVER) == NEVER


def test_a_stamp_covers_what_its_regions_wrote_before() -> None:
    """And nothing of a region it has not heard of, however old that is."""
    stamp = _stamp([v(5, 0), v(2, 1)])
    assert covers(stamp, v(4, 0))
    assert covers(stamp, v(2, 1))
    assert not covers(stamp, v(3, 1))
    assert not covers(stamp, v(1, 2))
    assert not covers(NEVER, v(1, 2))


@given(STAMPS, STAMPS, STAMPS)
def test_joining_is_a_union(one: str, two: str, three: str) -> None:
    """In any order, however often; and text that sorts as knowledge does."""
    assert joined(one, two) == joined(two, one)
    assert joined(joined(one, two), three) == joined(one, joined(two, three))
    assert joined(one, one) == one
    assert joined(one, two) >= max(one, two)
