"""The economy's settings: one document operators edit, completed by defaults.

Fields carry the wire's names. A missing or null field means its default; what a *zero* means differs
per setting and is decided where the setting is used.

Emission windows beyond the two global hours live in ``emissionWindows``: a map from ``arena:league``,
``arena`` or ``*`` to ``{startHourUtc, endHourUtc}``.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from chalicelib.arena.jsnumber import clamp_whole, to_number

MAX_ENERGY_LIMIT: Final = 1000
REGEN_PERIOD_LIMIT_SECONDS: Final = 86_400

DEFAULTS: Final[Mapping[str, Any]] = {
    "baseRewardAibaPerScore": 2,
    "baseRewardNeurPerScore": 0,
    "trainNeurCost": 25,
    "repairNeurCost": 15,
    "upgradeAibaCost": 50,
    "combineNeurCost": 50,
    "mintAibaCost": 100,
    "createGroupCostTonNano": 1_000_000_000,
    "boostGroupCostTonNano": 1_000_000_000,
    "leaderboardTopFreeCreate": 50,
    "createBrokerCostTonNano": 1_000_000_000,
    "boostProfileCostTonNano": 1_000_000_000,
    "boostProfileDurationDays": 7,
    "giftCostTonNano": 1_000_000_000,
    "marketplaceDefaultNewBrokerPriceAIBA": 10,
    "starRewardPerBattle": 1,
    "diamondRewardFirstWin": 1,
    "courseCompletionBadgeMintCostTonNano": 10_000_000_000,
    "fullCourseCompletionCertificateMintCostTonNano": 15_000_000_000,
    "battleEnergyCost": 1,
    "battleMaxEnergy": 100,
    "battleEnergyRegenSecondsPerEnergy": 60,
    "battleAnomalyScoreMax": 220,
    "battleAutoBanBrokerAnomalyFlags": 5,
    "battleAutoBanUserAnomalyFlags": 25,
    "battleAutoBanUserMinutes": 1440,
    "guildCreatorShareBps": 100,
    "boostMultiplier": 1.2,
    "premiumRewardMultiplier": 2,
    "streakMultiplierAt7Days": 1.25,
    "streakMultiplierAt30Days": 1.5,
    "streakCapMultiplier": 2,
    "battleWinStreakBonusBps": 100,
    "referralUnlock3BonusBps": 100,
    "dailyRewardNeur": 50,
    "dailyCapAiba": 1_000_000,
    "dailyCapNeur": 10_000_000,
    "dailyCapAibaByArena": {},
    "dailyCapNeurByArena": {},
    "emissionStartHourUtc": 0,
    "emissionEndHourUtc": 24,
    "emissionWindows": {},
    "seasonLength": "month",
    "supportLink": "",
    "supportTelegramGroup": "",
}

PUBLIC_FIELDS: Final = (
    "baseRewardAibaPerScore",
    "baseRewardNeurPerScore",
    "trainNeurCost",
    "repairNeurCost",
    "upgradeAibaCost",
    "combineNeurCost",
    "mintAibaCost",
    "createGroupCostTonNano",
    "boostGroupCostTonNano",
    "leaderboardTopFreeCreate",
    "createBrokerCostTonNano",
    "boostProfileCostTonNano",
    "boostProfileDurationDays",
    "giftCostTonNano",
    "marketplaceDefaultNewBrokerPriceAIBA",
    "starRewardPerBattle",
    "diamondRewardFirstWin",
    "courseCompletionBadgeMintCostTonNano",
    "fullCourseCompletionCertificateMintCostTonNano",
)
"""What GET /api/economy/me shows, in its order."""


def config_value(config: Mapping[str, Any], name: str) -> Any:
    """The setting ``name`` of the economyconfigs document ``config``, or its default when missing or null.

    Raises KeyError for a name that is no setting.
    """
    value = config.get(name)
    return DEFAULTS[name] if value is None else value


def config_number(config: Mapping[str, Any], name: str) -> float:
    """The setting as a finite number; what is no finite number counts as missing. Zero is honoured."""
    number = to_number(config_value(config, name))
    return number if math.isfinite(number) else float(DEFAULTS[name])


def config_nonzero(config: Mapping[str, Any], name: str) -> float:
    """The setting as a finite number, where zero, too, counts as missing."""
    return config_number(config, name) or float(DEFAULTS[name])


def max_energy(config: Mapping[str, Any]) -> int:
    """Energy a broker regenerates up to: 1..1000, and 1 for a setting that is no number."""
    return clamp_whole(config_value(config, "battleMaxEnergy"), 1, MAX_ENERGY_LIMIT)


def public_economy(config: Mapping[str, Any]) -> dict[str, Any]:
    """The nineteen settings a player may see."""
    return {name: config_value(config, name) for name in PUBLIC_FIELDS}
