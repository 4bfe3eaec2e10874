"""Lags by pair of regions, and what clocks make of them."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.replication.lag import PairLag, lags
from chalicelib.replication.outbox_ports import Waiting
from tests.worlds import NOON

NONE = Waiting(events=0, oldest_at=None, set_aside=0)


def applied(region: str, *seconds: float) -> list[dict[str, Any]]:
    return [{"region": region, "occurredAt": NOON, "appliedAt": NOON + timedelta(seconds=each)} for each in seconds]


def pair(source: str, target: str, found: list[PairLag]) -> PairLag:
    (one,) = (each for each in found if (each.source, each.target) == (source, target))
    return one


def test_percentiles_of_each_pair_and_what_waits() -> None:
    """By nearest rank."""
    rows = {"a": applied("b", *(number / 100 for number in range(1, 201))), "b": []}
    waiting = {("b", "a"): NONE, ("a", "b"): Waiting(events=7, oldest_at=NOON - timedelta(seconds=90), set_aside=1)}
    found = lags(rows, waiting, NOON)
    there, back = pair("b", "a", found), pair("a", "b", found)
    assert (there.events, there.p50_seconds, there.p99_seconds) == (200, 1.0, 1.98)
    assert (back.events, back.p50_seconds, back.waiting, back.oldest_seconds, back.set_aside) == (0, None, 7, 90, 1)
    assert not there.clocks_differ


def test_clocks_apart_are_seen_where_events_go_both_ways() -> None:
    """Half of what the least lags differ by."""
    rows = {"a": applied("b", *[-1.9] * 10, *[5.0] * 10), "b": applied("a", 2.1, *[3.0] * 19)}
    found = lags(rows, {("a", "b"): NONE, ("b", "a"): NONE}, NOON)
    assert pair("b", "a", found).skew_seconds == pytest.approx(-2.0)
    assert pair("a", "b", found).skew_seconds == pytest.approx(2.0)
    assert all(one.clocks_differ for one in found)


def test_a_slow_event_is_no_clock() -> None:
    """One way was asked for once, while functions were starting."""
    rows = {"a": applied("b", 3.1), "b": applied("a", *[0.06] * 40)}
    found = lags(rows, {("a", "b"): NONE, ("b", "a"): NONE}, NOON)
    assert [(one.skew_seconds, one.clocks_differ) for one in found] == [(None, False)] * 2


def test_an_event_that_came_before_it_was_sent_shows_a_clock_behind() -> None:
    """Even where nothing comes back."""
    found = lags({"a": applied("b", -0.2), "b": []}, {("a", "b"): NONE, ("b", "a"): NONE}, NOON)
    assert pair("b", "a", found).clocks_differ
