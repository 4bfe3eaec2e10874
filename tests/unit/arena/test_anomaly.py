"""Scores out of range, and what they cost the broker and its owner."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.arena import anomaly

NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("score", "config", "reason"),
    [
        (220, {}, ""),
        (0, {}, ""),
        (221, {}, "score_out_of_range:221"),
        (223, {"battleAnomalyScoreMax": 300}, ""),
        (101, {"battleAnomalyScoreMax": 100}, "score_out_of_range:101"),
        (-1, {}, "score_out_of_range:-1"),
        (220.5, {}, "score_out_of_range:220.5"),
        (float("nan"), {}, "score_out_of_range:NaN"),
        (float("inf"), {}, "score_out_of_range:Infinity"),
        (float("-inf"), {}, "score_out_of_range:-Infinity"),
    ],
)
def test_assessment(score: float, config: dict[str, Any], reason: str) -> None:
    assert anomaly.assess(score, config) == anomaly.Anomaly(flag=bool(reason), reason=reason)


def test_the_fifth_flag_bans_a_broker() -> None:
    assert anomaly.broker_after({}, {}) == anomaly.Consequence({"anomalyFlags": 1}, banned=False)
    assert anomaly.broker_after({"anomalyFlags": 3}, {}).changes == {"anomalyFlags": 4}
    fifth = anomaly.broker_after({"anomalyFlags": 4}, {})
    assert fifth.banned
    assert fifth.changes == {"anomalyFlags": 5, "banned": True, "banReason": "auto-banned (anomaly threshold)"}


def test_a_banned_broker_is_only_flagged() -> None:
    assert anomaly.broker_after({"anomalyFlags": 7, "banned": True}, {}).changes == {"anomalyFlags": 8}


def test_the_twenty_fifth_flag_bans_a_user_for_a_day() -> None:
    assert not anomaly.user_after({"anomalyFlags": 23}, {}, NOW).banned
    ban = anomaly.user_after({"anomalyFlags": 24}, {}, NOW)
    assert ban.banned
    assert ban.changes["anomalyFlags"] == 25
    assert ban.changes["bannedUntil"] == NOW + timedelta(minutes=1440)


def test_a_user_banned_already_keeps_the_end_of_the_ban() -> None:
    user = {"anomalyFlags": 30, "bannedUntil": NOW + timedelta(minutes=1)}
    assert anomaly.user_after(user, {}, NOW).changes == {"anomalyFlags": 31}


def test_a_user_whose_ban_is_over_is_banned_again() -> None:
    user = {"anomalyFlags": 30, "bannedUntil": NOW}
    assert anomaly.user_after(user, {"battleAutoBanUserMinutes": 5}, NOW).changes["bannedUntil"] == NOW + timedelta(
        minutes=5
    )
