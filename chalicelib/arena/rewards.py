"""What a battle pays, step by step in the game's order; each step floors, so the order is part of the result.

score -> base -> innovation multiplier -> boost -> (emission decides whether it is paid at all) -> guild split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.economy_config import config_nonzero, config_number, config_value
from chalicelib.arena.jsnumber import clamp_whole, is_json_number, whole_amount
from chalicelib.arena.moments import as_moment
from chalicelib.arena.streaks import login_streak_multiplier, win_streak_multiplier

GUILD_SHARE: Final = 0.2
REFERRAL_USES_FOR_BONUS: Final = 3
_BPS: Final = 10_000

_REFERRER_TIERS: Final = ((10_000, 700), (1_000, 500), (100, 300), (0, 200))
"""(uses of the code at least, basis points), best first."""


@dataclass(frozen=True, slots=True)
class Rewards:
    """Whole amounts of the two emitted currencies, 0 or more."""

    aiba: int
    neur: int


@dataclass(frozen=True, slots=True)
class GuildSplit:
    """One NEUR reward of a guild mode: ``creator`` + ``vault`` = ``guild_share``; with ``player``, the whole."""

    guild_share: int
    creator: int
    """Credited to the guild's owner."""
    vault: int
    """Added to the guild's vault."""
    player: int


@dataclass(frozen=True, slots=True)
class WinBonus:
    """What a win pays outside emission."""

    stars: int
    diamonds: int


def base_rewards(score: int, mode_document: Mapping[str, Any], config: Mapping[str, Any]) -> Rewards:
    """Step 1: score times the configured rate times the mode's multiplier (0 or no number counts as 1)."""
    return Rewards(
        aiba=whole_amount(
            score
            * config_number(config, "baseRewardAibaPerScore")
            * _multiplier(mode_document.get("rewardMultiplierAiba"))
        ),
        neur=whole_amount(
            score
            * config_number(config, "baseRewardNeurPerScore")
            * _multiplier(mode_document.get("rewardMultiplierNeur"))
        ),
    )


def innovation_multiplier(
    *, user: Mapping[str, Any], referral: Mapping[str, Any] | None, config: Mapping[str, Any], now: datetime
) -> float:
    """Step 2's factor, from the state before the battle: login streak x win streak x premium x referral.

    ``user`` is the player's document; ``referral`` the player's own referral code (``active``, ``uses``), if any.
    """
    factor = login_streak_multiplier(user.get("loginStreakDays"), config)
    factor *= win_streak_multiplier(user.get("battleWinStreak"), config)
    premium_until = as_moment(user.get("premiumUntil"))
    if premium_until is not None and premium_until > now:
        factor *= config_nonzero(config, "premiumRewardMultiplier")
    if referral is not None and referral.get("active") is not False and _uses(referral) >= REFERRAL_USES_FOR_BONUS:
        factor *= 1 + config_nonzero(config, "referralUnlock3BonusBps") / _BPS
    return factor


def apply_multiplier(rewards: Rewards, multiplier: float) -> Rewards:
    """Both rewards times ``multiplier``, floored; a multiplier of 1 or less never lowers them."""
    if not multiplier > 1:
        return rewards
    return Rewards(aiba=whole_amount(rewards.aiba * multiplier), neur=whole_amount(rewards.neur * multiplier))


def boosted(rewards: Rewards, boost: Mapping[str, Any] | None) -> Rewards:
    """Step 3: ``boost`` is the player's unexpired boost with the latest expiry, if any."""
    return rewards if boost is None else apply_multiplier(rewards, _multiplier(boost.get("multiplier")))


def guild_split(neur: int, config: Mapping[str, Any]) -> GuildSplit:
    """Step 5: a fifth of the NEUR actually emitted goes to the guild, a small part of that to its owner."""
    share = whole_amount(neur * GUILD_SHARE)
    bps = clamp_whole(config_value(config, "guildCreatorShareBps"), 0, _BPS)
    creator = whole_amount(share * bps / _BPS)
    return GuildSplit(guild_share=share, creator=creator, vault=share - creator, player=neur - share)


def win_bonus(score: int, user: Mapping[str, Any], config: Mapping[str, Any]) -> WinBonus:
    """Step 7: stars for every win (score > 0), diamonds for the player's first one ever."""
    if score <= 0:
        return WinBonus(stars=0, diamonds=0)
    first = user.get("firstWinDiamondAwardedAt") is None
    return WinBonus(
        stars=whole_amount(config_number(config, "starRewardPerBattle")),
        diamonds=whole_amount(config_number(config, "diamondRewardFirstWin")) if first else 0,
    )


def referrer_rewards(rewards: Rewards, referral: Mapping[str, Any]) -> Rewards:
    """Step 8: what the player's referrer earns of ``rewards``, by how often the referrer's code was used."""
    uses = _uses(referral)
    bps = next(bps for at_least, bps in _REFERRER_TIERS if uses >= at_least)
    return Rewards(aiba=whole_amount(rewards.aiba * bps / _BPS), neur=whole_amount(rewards.neur * bps / _BPS))


def _uses(referral: Mapping[str, Any]) -> int:
    return whole_amount(referral.get("uses"))


def _multiplier(value: object) -> float:
    return float(value) if is_json_number(value) and value != 0 else 1.0
