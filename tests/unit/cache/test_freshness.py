"""When a cached value is loaded anew, and what an entry says."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cache.freshness import Entry, Lifetime, entry_of, should_refresh, state_of

SOFT_END = 60_000
LIFETIME = Lifetime(ttl_seconds=60, stale_seconds=10, absent_seconds=5)


def entry(cost_ms: float = 50.0) -> Entry:
    return Entry("value", 0, cost_ms, SOFT_END, SOFT_END + 10_000, "e1", "payload")


@pytest.mark.parametrize(
    ("now", "draw", "state"),
    [
        (0, 0.5, "fresh"),
        (SOFT_END - 1, 1.0, "fresh"),
        (SOFT_END - 35, 0.5, "fresh"),
        (SOFT_END - 34, 0.5, "due"),
        (SOFT_END, 1.0, "stale"),
        (SOFT_END + 9_999, 1.0, "stale"),
        (SOFT_END + 10_000, 1.0, "absent"),
    ],
)
def test_states_in_order_of_time(now: int, draw: float, state: str) -> None:
    """50 ms * ln 2 is 34.66 ms: at a draw of a half the last 34 ms are due."""
    assert state_of(entry(), now, beta=1.0, draw=draw) == state


def test_nothing_found_is_absent_and_looking_ahead_loads_what_ends_by_then() -> None:
    assert state_of(None, 0, beta=1.0, draw=1.0) == "absent"
    assert state_of(entry(), SOFT_END - 5_000, beta=1.0, draw=1.0, ahead_ms=5_000) == "due"
    assert state_of(entry(), SOFT_END - 5_001, beta=1.0, draw=1.0, ahead_ms=5_000) == "fresh"


@given(st.floats(min_value=1e-9, max_value=1.0), st.integers(0, SOFT_END), st.floats(0.0, 1e4))
def test_who_would_load_early_would_also_load_later_or_for_more(draw: float, now: int, cost_ms: float) -> None:
    """Due once, an entry stays due for the same draw; a dearer or a larger beta is due no later."""
    if should_refresh(entry(cost_ms), now, 1.0, draw):
        assert should_refresh(entry(cost_ms), now + 1, 1.0, draw)
        assert should_refresh(entry(cost_ms + 1), now, 1.0, draw)
        assert should_refresh(entry(cost_ms), now, 2.0, draw)


@pytest.mark.parametrize(("callers_per_second", "beta"), [(40, 1.0), (100, 1.0), (40, 2.0)])
def test_how_seldom_a_value_ends_before_anybody_loads_it_early(callers_per_second: int, beta: float) -> None:
    """Callers come at random times, r per second. A caller g before the end loads with probability exp(-g / (cost *
    beta)), so that the value ends unloaded with probability exp(-r * cost * beta)."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draws = random.Random(seed)
    cost_ms, rounds = 50.0, 3000
    expected = math.exp(-callers_per_second * cost_ms / 1000 * beta)
    early: list[float] = []
    for _ in range(rounds):
        now = SOFT_END - 1000.0
        while (now := now + 1000 * draws.expovariate(callers_per_second)) < SOFT_END:
            if should_refresh(entry(cost_ms), int(now), beta, 1 - draws.random()):
                early.append(SOFT_END - now)
                break
    missed = 1 - len(early) / rounds
    print(f"{callers_per_second}/s, beta {beta}: ended unloaded {missed:.4f}, expected {expected:.4f}")
    print(f"loaded early by {sum(early) / len(early):.1f} ms on average")
    spread = math.sqrt(expected * (1 - expected) / rounds)
    assert abs(missed - expected) < 6 * spread + 0.01  # whole milliseconds make it a little earlier or later


def test_an_entry_is_what_it_was_after_writing_and_reading() -> None:
    written = entry()
    assert Entry.read(written.text()) == written
    large = Entry("large", 5, 0.125, 6, 7, "", "")
    assert Entry.read(large.text()) == large


@pytest.mark.parametrize("text", ["", "1", "0 value 0 1.0 2 3 - p", "1 other 0 1.0 2 3 - p", "1 value x 1.0 2 3 - p"])
def test_what_is_no_entry_of_this_format_is_none(text: str) -> None:
    assert Entry.read(text) is None


@given(st.floats(0.0, 1.0, exclude_max=True), st.booleans())
def test_jitter_only_shortens_and_absence_is_kept_for_its_own_time(draw: float, absent: bool) -> None:
    made = entry_of("p", LIFETIME, kind="value", absent=absent, loaded_at=1000, cost_ms=1.0, epoch="", draw=draw)
    longest = 5_000 if absent else 60_000
    assert 1000 + 0.9 * longest - 1 <= made.soft_end <= 1000 + longest
    assert made.hard_end == made.soft_end + 10_000
    assert made.hard_end - made.loaded_at <= 1000 * LIFETIME.kept_seconds
