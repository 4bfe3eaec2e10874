"""Scores too good to be true: flagged, still paid, and banned for when they keep coming."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.arena.economy_config import config_number
from chalicelib.arena.jsnumber import MAX_SAFE_INTEGER, clamp_whole, whole_amount
from chalicelib.arena.moments import as_moment

BAN_REASON: Final = "auto-banned (anomaly threshold)"
_BAN_MINUTES_LIMIT: Final = 10 * 365 * 24 * 60


@dataclass(frozen=True, slots=True)
class Anomaly:
    """``reason`` is empty unless ``flag``."""

    flag: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one more flag does to a broker or a user."""

    changes: Mapping[str, Any]
    """Fields to $set."""
    banned: bool
    """Whether this flag is the one that bans."""


def assess(score: float, config: Mapping[str, Any]) -> Anomaly:
    """Whether ``score`` (after any guild adjustment) is outside 0..battleAnomalyScoreMax."""
    if math.isfinite(score) and 0 <= score <= config_number(config, "battleAnomalyScoreMax"):
        return Anomaly(flag=False)
    return Anomaly(flag=True, reason=f"score_out_of_range:{_js_text(score)}")


def broker_after(broker: Mapping[str, Any], config: Mapping[str, Any]) -> Consequence:
    """The broker's state after one more flag: banned for good at the configured count."""
    flags = whole_amount(broker.get("anomalyFlags")) + 1
    if broker.get("banned") or flags < _threshold(config, "battleAutoBanBrokerAnomalyFlags"):
        return Consequence({"anomalyFlags": flags}, banned=False)
    return Consequence({"anomalyFlags": flags, "banned": True, "banReason": BAN_REASON}, banned=True)


def user_after(user: Mapping[str, Any], config: Mapping[str, Any], now: datetime) -> Consequence:
    """The user's state after one more flag: banned for a while at the configured count, unless banned already."""
    flags = whole_amount(user.get("anomalyFlags")) + 1
    banned_until = as_moment(user.get("bannedUntil"))
    already = banned_until is not None and banned_until > now
    if already or flags < _threshold(config, "battleAutoBanUserAnomalyFlags"):
        return Consequence({"anomalyFlags": flags}, banned=False)
    minutes = clamp_whole(config_number(config, "battleAutoBanUserMinutes"), 1, _BAN_MINUTES_LIMIT)
    return Consequence(
        {"anomalyFlags": flags, "bannedUntil": now + timedelta(minutes=minutes), "bannedReason": BAN_REASON},
        banned=True,
    )


def _threshold(config: Mapping[str, Any], name: str) -> int:
    return clamp_whole(config_number(config, name), 1, MAX_SAFE_INTEGER)


def _js_text(score: float) -> str:
    if math.isfinite(score):
        return str(int(score)) if score == int(score) else repr(score)
    return "NaN" if math.isnan(score) else "Infinity" if score > 0 else "-Infinity"
