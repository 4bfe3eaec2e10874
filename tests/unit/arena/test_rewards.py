"""What a battle pays: each step of the game's order by itself, then together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena import rewards
from chalicelib.arena.rewards import GuildSplit, Rewards, WinBonus

NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("score", "mode", "config", "expected"),
    [
        (46, {}, {}, Rewards(92, 0)),
        (0, {}, {}, Rewards(0, 0)),
        (7, {"rewardMultiplierAiba": 1.5}, {}, Rewards(21, 0)),
        (7, {"rewardMultiplierAiba": 0}, {}, Rewards(14, 0)),
        (7, {"rewardMultiplierAiba": "3"}, {}, Rewards(14, 0)),
        (7, {"rewardMultiplierAiba": None}, {}, Rewards(14, 0)),
        (7, {"rewardMultiplierAiba": -1}, {}, Rewards(0, 0)),
        (7, {"rewardMultiplierNeur": 2}, {"baseRewardNeurPerScore": 0.5}, Rewards(14, 7)),
        (7, {}, {"baseRewardAibaPerScore": 0}, Rewards(0, 0)),
        (7, {}, {"baseRewardAibaPerScore": 0.3}, Rewards(2, 0)),
    ],
)
def test_base(score: int, mode: dict[str, Any], config: dict[str, Any], expected: Rewards) -> None:
    assert rewards.base_rewards(score, mode, config) == expected


def factor(user: dict[str, Any], referral: dict[str, Any] | None = None, **config: Any) -> float:
    return rewards.innovation_multiplier(user=user, referral=referral, config=config, now=NOW)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (None, 1),
        (0, 1),
        (1, 1),
        (2, 1 + 0.25 / 6),
        (4, 1.125),
        (6, 1 + 5 * 0.25 / 6),
        (7, 1.25),
        (29, 1.25),
        (30, 1.5),
        (400, 1.5),
        ("7", 1.25),
        (-3, 1),
    ],
)
def test_login_streak(days: object, expected: float) -> None:
    assert factor({"loginStreakDays": days}) == expected


def test_a_month_is_capped() -> None:
    assert factor({"loginStreakDays": 30}, streakMultiplierAt30Days=5) == 2
    assert factor({"loginStreakDays": 30}, streakMultiplierAt30Days=5, streakCapMultiplier=9) == 5


@pytest.mark.parametrize(("wins", "expected"), [(0, 1), (1, 1.01), (5, 1.05), (50, 1.05)])
def test_win_streak(wins: int, expected: float) -> None:
    assert factor({"battleWinStreak": wins}) == expected


@pytest.mark.parametrize(("until", "expected"), [(LATER, 2), (NOW, 1), (EARLIER, 1), (None, 1), ("soon", 1)])
def test_premium(until: object, expected: float) -> None:
    assert factor({"premiumUntil": until}) == expected


@pytest.mark.parametrize(
    ("referral", "expected"),
    [
        (None, 1),
        ({"uses": 2, "active": True}, 1),
        ({"uses": 3, "active": True}, 1.01),
        ({"uses": 3}, 1.01),
        ({"uses": 9, "active": False}, 1),
    ],
)
def test_referral(referral: dict[str, Any] | None, expected: float) -> None:
    assert factor({}, referral) == expected


def test_settings_of_zero_fall_back() -> None:
    user = {"loginStreakDays": 10, "battleWinStreak": 5, "premiumUntil": LATER}
    zeros = dict.fromkeys(
        ("streakMultiplierAt7Days", "battleWinStreakBonusBps", "premiumRewardMultiplier", "referralUnlock3BonusBps"), 0
    )
    assert factor(user, {"uses": 3}, **zeros) == factor(user, {"uses": 3}) == 1.25 * 1.05 * 2 * 1.01


def test_a_multiplier_floors_each_currency_and_never_lowers() -> None:
    assert rewards.apply_multiplier(Rewards(7, 3), 1.5) == Rewards(10, 4)
    assert rewards.apply_multiplier(Rewards(7, 3), 1) == Rewards(7, 3)
    assert rewards.apply_multiplier(Rewards(7, 3), 0.5) == Rewards(7, 3)


@pytest.mark.parametrize(
    ("boost", "expected"),
    [
        (None, Rewards(92, 5)),
        ({"multiplier": 1.2}, Rewards(110, 6)),
        ({"multiplier": 1}, Rewards(92, 5)),
        ({"multiplier": 0.5}, Rewards(92, 5)),
        ({}, Rewards(92, 5)),
    ],
)
def test_boost(boost: dict[str, Any] | None, expected: Rewards) -> None:
    assert rewards.boosted(Rewards(92, 5), boost) == expected


def test_steps_floor_one_after_the_other() -> None:
    """33 x 1.01 -> 33 -> x 1.2 -> 39; a single product would floor to 39.996 -> 39 only by luck, 83 shows it."""
    assert rewards.boosted(rewards.apply_multiplier(Rewards(83, 0), 1.01), {"multiplier": 1.2}) == Rewards(99, 0)
    assert int(83 * 1.01 * 1.2) == 100


@pytest.mark.parametrize(
    ("neur", "config", "expected"),
    [
        (0, {}, GuildSplit(0, 0, 0, 0)),
        (4, {}, GuildSplit(0, 0, 0, 4)),
        (100, {}, GuildSplit(20, 0, 20, 80)),
        (1003, {}, GuildSplit(200, 2, 198, 803)),
        (1000, {"guildCreatorShareBps": 5000}, GuildSplit(200, 100, 100, 800)),
        (1000, {"guildCreatorShareBps": 0}, GuildSplit(200, 0, 200, 800)),
        (1000, {"guildCreatorShareBps": 99999}, GuildSplit(200, 200, 0, 800)),
    ],
)
def test_guild_split(neur: int, config: dict[str, Any], expected: GuildSplit) -> None:
    assert rewards.guild_split(neur, config) == expected


@given(neur=st.integers(0, 10**12), bps=st.integers(-5, 20000))
def test_a_guild_split_neither_makes_nor_loses_money(neur: int, bps: int) -> None:
    split = rewards.guild_split(neur, {"guildCreatorShareBps": bps})
    assert split.creator + split.vault == split.guild_share
    assert split.player + split.guild_share == neur
    assert min(split.creator, split.vault, split.player) >= 0


def test_stars_for_every_win_and_diamonds_for_the_first() -> None:
    assert rewards.win_bonus(1, {}, {}) == WinBonus(stars=1, diamonds=1)
    assert rewards.win_bonus(1, {"firstWinDiamondAwardedAt": NOW}, {}) == WinBonus(stars=1, diamonds=0)
    assert rewards.win_bonus(0, {}, {}) == WinBonus(stars=0, diamonds=0)
    assert rewards.win_bonus(9, {}, {"starRewardPerBattle": 3, "diamondRewardFirstWin": 0}) == WinBonus(3, 0)


@pytest.mark.parametrize(
    ("uses", "aiba"), [(None, 20), (0, 20), (99, 20), (100, 30), (999, 30), (1000, 50), (9999, 50), (10000, 70)]
)
def test_a_referrer_earns_by_how_often_the_code_was_used(uses: object, aiba: int) -> None:
    assert rewards.referrer_rewards(Rewards(1000, 49), {"uses": uses}) == Rewards(aiba, 49 * aiba // 1000)
