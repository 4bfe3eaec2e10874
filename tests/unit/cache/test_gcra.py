"""The limiter's arithmetic: nginx's, which is GCRA's, and what is told of it."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena.rate_limits import API, BATTLE, OPERATOR_SIGN_IN, PLAYER_BATTLES, Decision, Limit
from chalicelib.cache.gcra import WHOLE, Bucket, ask, flow_of, is_spent, spend, verdict

NOW = 1_764_000_000_000
LIMITS = st.builds(
    Limit,
    name=st.just("some"),
    rate=st.integers(1, 200),
    period_seconds=st.sampled_from((1, 60, 900)),
    burst=st.integers(0, 60),
    scope=st.just("address"),
)
GAPS = st.lists(st.one_of(st.just(0), st.integers(0, 300), st.integers(0, 20_000)), min_size=1, max_size=120)
"""Milliseconds between arrivals."""


def admissions(limit: Limit, gaps: list[int], share: int = WHOLE) -> list[bool]:
    flow, bucket, found = flow_of(limit, share), None, []
    for now in accumulate(gaps, initial=NOW):
        asked = ask(bucket, flow, now)
        found.append(asked.fits)
        if asked.fits:
            bucket = spend(asked)
    return found


def decide(limit: Limit, bucket: Bucket | None, now_ms: int = NOW) -> Decision:
    asked = ask(bucket, flow_of(limit), now_ms)
    return verdict([limit], [flow_of(limit)], [(asked.excess, asked.fits)], now_ms, degraded=False).decisions[0]


@pytest.mark.parametrize("limit", [API, BATTLE, PLAYER_BATTLES, OPERATOR_SIGN_IN], ids=lambda limit: limit.name)
def test_one_and_the_burst_are_admitted_at_once(limit: Limit) -> None:
    found = admissions(limit, [0] * (limit.quota + 5))
    assert found == [True] * limit.quota + [False] * 6


@pytest.mark.parametrize(("limit", "pace_ms"), [(API, 50), (BATTLE, 200), (PLAYER_BATTLES, 2400)])
def test_a_spent_limit_admits_one_more_exactly_when_one_has_run_out(limit: Limit, pace_ms: int) -> None:
    bucket = Bucket(limit.burst * 1000, NOW)
    assert not ask(bucket, flow_of(limit), NOW + pace_ms - 1).fits
    asked = ask(bucket, flow_of(limit), NOW + pace_ms)
    assert asked.fits
    assert not ask(spend(asked), flow_of(limit), NOW + pace_ms).fits


@given(LIMITS, GAPS)
def test_admissions_are_those_of_the_generic_cell_rate_algorithm(limit: Limit, gaps: list[int]) -> None:
    """Written with exact fractions and a theoretical arrival time; whole numbers drain less, never more."""
    interval = Fraction(limit.period_seconds * 1000, limit.rate)
    rounding = Fraction(limit.period_seconds, limit.rate)
    theoretical = Fraction(0)
    flow, bucket = flow_of(limit), None
    for now in accumulate(gaps, initial=NOW):
        early = theoretical - now - limit.burst * interval
        asked = ask(bucket, flow, now)
        if asked.fits:
            assert early <= 0
            bucket = spend(asked)
            theoretical = max(Fraction(now), theoretical) + interval
        else:
            # Each admission may have rounded a thousandth of a request away.
            assert early > -rounding * len(gaps) - 1


@given(LIMITS, GAPS, st.integers(1, WHOLE))
def test_no_interval_admits_more_than_the_quota_and_what_runs_out_in_it(
    limit: Limit, gaps: list[int], share: int
) -> None:
    """The bound the shares of the limiter are built upon, for each share."""
    found = admissions(limit, gaps, share)
    times = [now for now, fits in zip(accumulate(gaps, initial=NOW), found, strict=True) if fits]
    rate = Fraction(limit.rate * share, limit.period_seconds * 1000 * WHOLE)
    quota = max(Fraction(limit.quota * share, WHOLE), Fraction(1))
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= quota + rate * (times[last] - start)


@given(LIMITS, st.integers(0, 60_000), st.integers(0, 10_000_000))
def test_a_bucket_run_dry_says_what_none_says(limit: Limit, excess: int, later: int) -> None:
    bucket, flow = Bucket(min(excess, limit.burst * 1000), NOW), flow_of(limit)
    seen = ask(bucket, flow, NOW + later)
    if is_spent(bucket, flow, NOW + later):
        assert seen == ask(None, flow, NOW + later)
    dry = NOW + flow.time_to_drain(bucket.excess + 1000)
    assert is_spent(bucket, flow, dry)
    assert not is_spent(bucket, flow, dry - 1)


@given(LIMITS, st.integers(0, 60_000), st.integers(0, 100_000))
def test_what_is_told_comes_true(limit: Limit, excess: int, later: int) -> None:
    """So many more are admitted now, the next one after the time told; before it by no more than rounding."""
    flow = flow_of(limit)
    rounding = flow.time_to_drain(1)
    bucket: Bucket | None = Bucket(min(excess, limit.burst * 1000), NOW)
    now = NOW + later
    told = decide(limit, bucket, now)
    asked = ask(bucket, flow, now)
    if asked.fits:
        bucket = spend(asked)
    else:
        assert not ask(bucket, flow, now + told.retry_after_ms - rounding - 1).fits
        assert ask(bucket, flow, now + told.retry_after_ms).fits
        assert told.retry_after_seconds >= max(1, told.retry_after_ms / 1000)
    admitted = 0
    while (asked := ask(bucket, flow, now)).fits:
        bucket = spend(asked)
        admitted += 1
    assert admitted == told.remaining
    assert ask(bucket, flow, now + told.more_after_ms).fits
    assert not ask(bucket, flow, now + told.more_after_ms - rounding - 1).fits


def test_a_whole_quota_is_back_when_told() -> None:
    told = decide(API, Bucket(9_000, NOW), NOW)
    assert told.reset_at == (NOW + 550) / 1000
    assert is_spent(Bucket(10_000, NOW), flow_of(API), NOW + 550)


@pytest.mark.parametrize("back_ms", [1, 5_000, 60_000])
def test_a_clock_that_went_back_a_little_drains_nothing_and_keeps_the_later_time(back_ms: int) -> None:
    asked = ask(Bucket(3_000, NOW), flow_of(API), NOW - back_ms)
    assert (asked.excess, asked.last_ms) == (4_000, NOW)


def test_a_clock_that_went_back_far_starts_anew() -> None:
    asked = ask(Bucket(3_000, NOW), flow_of(API), NOW - 60_001)
    assert (asked.excess, asked.last_ms) == (3_980, NOW - 60_001)


def test_a_request_refused_by_one_limit_spends_nothing_of_the_others() -> None:
    """What is told of the limit that would have admitted it leaves the request out."""
    flows = [flow_of(API), flow_of(BATTLE)]
    asked = [ask(Bucket(0, NOW), flows[0], NOW), ask(Bucket(10_000, NOW), flows[1], NOW)]
    found = verdict([API, BATTLE], flows, [(one.excess, one.fits) for one in asked], NOW, degraded=False)
    assert [(one.allowed, one.remaining) for one in found.decisions] == [(True, 50), (False, 0)]
    assert found.refusal is found.decisions[1]
    untouched = verdict([API, BATTLE], flows, [(0, True), (11_000, False)], NOW, degraded=False).decisions[0]
    assert (untouched.remaining, untouched.more_after_ms, untouched.reset_at) == (51, 0, NOW / 1000)


def test_the_refusal_told_is_the_one_that_lasts_longest() -> None:
    flows = [flow_of(BATTLE), flow_of(OPERATOR_SIGN_IN)]
    found = verdict([BATTLE, OPERATOR_SIGN_IN], flows, [(10_500, False), (4_500, False)], NOW, degraded=True)
    assert found.refusal is not None
    assert (found.refusal.limit, found.degraded) == (OPERATOR_SIGN_IN, True)


def test_a_share_below_one_request_still_admits_one_and_then_keeps_the_pace() -> None:
    share = WHOLE // 20
    bucket = spend(ask(None, flow_of(BATTLE, share), NOW))
    assert not ask(bucket, flow_of(BATTLE, share), NOW + 3_999).fits
    assert ask(bucket, flow_of(BATTLE, share), NOW + 4_000).fits


@pytest.mark.parametrize(
    ("limit", "quota", "window"), [(API, 51, 3), (BATTLE, 11, 3), (PLAYER_BATTLES, 25, 60), (OPERATOR_SIGN_IN, 5, 900)]
)
def test_quota_and_window(limit: Limit, quota: int, window: int) -> None:
    assert (limit.quota, limit.window_seconds) == (quota, window)
