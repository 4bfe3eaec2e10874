"""What operators may write: game modes and the economy's settings, field by field with their ranges."""

from typing import Final

from chalicelib.arena.jsnumber import MAX_SAFE_INTEGER
from chalicelib.arena.mode_limits import COOLDOWN_LIMIT_SECONDS, ENTRY_COST_LIMIT
from chalicelib.entrypoints.structures import Keyed, Members, Number, Pattern
from chalicelib.entrypoints.validation import Boolean, Explained, Integer, Schema, Text

NAME_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9_-]{0,49}"
"""Of arenas and leagues: they become parts of field paths, metric labels and the colon-joined seed."""

KEY_PATTERN: Final = "[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
WINDOW_PATTERN: Final = rf"(\*|{NAME_PATTERN}(:{NAME_PATTERN})?)"
"""Of a window's key: ``arena:league``, ``arena`` or ``*``."""

MODES_LISTED: Schema = {"arena": Text(max_length=50), "league": Text(max_length=50), "enabled": Boolean()}

_WEIGHT: Final = Number(minimum=0, maximum=10)
_RULES: Final = Members(
    {
        "requiresGuild": Boolean(),
        "minBrokerLevel": Integer(minimum=1, maximum=10_000),
        "arenaWeights": Members({"intelligence": _WEIGHT, "speed": _WEIGHT, "risk": _WEIGHT}),
        "leagueMultiplier": Number(minimum=0, maximum=100),
        "varianceBase": Number(minimum=-1000, maximum=1000),
    }
)
_MULTIPLIER: Final = Number(minimum=0, maximum=1000)
_ENTRY_COST: Final = Integer(minimum=0, maximum=ENTRY_COST_LIMIT)

MODE_CHANGE: Schema = {
    # These two have no default to go back to: what the handler refuses, the document must not allow.
    "name": Explained(Text(max_length=100), Text(required=True, max_length=100).schema(in_body=True)),
    "description": Text(max_length=500),
    "enabled": Boolean(),
    "arena": Explained(Pattern(NAME_PATTERN), Pattern(NAME_PATTERN, required=True).schema(in_body=True)),
    "league": Pattern(NAME_PATTERN),
    "energyCost": Integer(minimum=0, maximum=1000),
    "cooldownSeconds": Integer(minimum=0, maximum=COOLDOWN_LIMIT_SECONDS),
    "entryNeurCost": _ENTRY_COST,
    "entryAibaCost": _ENTRY_COST,
    "rewardMultiplierAiba": _MULTIPLIER,
    "rewardMultiplierNeur": _MULTIPLIER,
    "rules": _RULES,
}
"""The key is not among them: it is the name by which clients and queued battles ask for the mode and brokers remember
their last run of it; a new one would strand the ones and free the others of their cooldown."""

NEW_MODE: Schema = {
    **MODE_CHANGE,
    "key": Pattern(KEY_PATTERN, required=True),
    "name": Text(required=True, max_length=100),
    "arena": Pattern(NAME_PATTERN, required=True),
}

_COST: Final = Integer(minimum=1, maximum=ENTRY_COST_LIMIT)
_TON: Final = Integer(minimum=0, maximum=10**15)
_RATE: Final = Number(minimum=0, maximum=1_000_000)
_FACTOR: Final = Number(minimum=0, maximum=100)
_BPS: Final = Integer(minimum=0, maximum=10_000)
_CAP: Final = Integer(minimum=0, maximum=MAX_SAFE_INTEGER)
_CAPS: Final = Keyed(NAME_PATTERN, _CAP)
_HOUR: Final = Integer(minimum=0, maximum=24)
_COUNT: Final = Integer(minimum=0, maximum=1_000_000)
_FLAGS: Final = Integer(minimum=1, maximum=1_000_000)

ECONOMY: Schema = {
    "baseRewardAibaPerScore": _RATE,
    "baseRewardNeurPerScore": _RATE,
    "trainNeurCost": _COST,
    "repairNeurCost": _COST,
    "upgradeAibaCost": _COST,
    "combineNeurCost": _COST,
    "mintAibaCost": _COST,
    "createGroupCostTonNano": _TON,
    "boostGroupCostTonNano": _TON,
    "leaderboardTopFreeCreate": _COUNT,
    "createBrokerCostTonNano": _TON,
    "boostProfileCostTonNano": _TON,
    "boostProfileDurationDays": Integer(minimum=1, maximum=3650),
    "giftCostTonNano": _TON,
    "marketplaceDefaultNewBrokerPriceAIBA": Integer(minimum=0, maximum=ENTRY_COST_LIMIT),
    "starRewardPerBattle": _COUNT,
    "diamondRewardFirstWin": _COUNT,
    "courseCompletionBadgeMintCostTonNano": _TON,
    "fullCourseCompletionCertificateMintCostTonNano": _TON,
    "battleEnergyCost": Integer(minimum=0, maximum=1000),
    "battleMaxEnergy": Integer(minimum=1, maximum=1000),
    "battleEnergyRegenSecondsPerEnergy": Integer(minimum=1, maximum=86_400),
    "battleAnomalyScoreMax": _COUNT,
    "battleAutoBanBrokerAnomalyFlags": _FLAGS,
    "battleAutoBanUserAnomalyFlags": _FLAGS,
    "battleAutoBanUserMinutes": Integer(minimum=1, maximum=525_600),
    "guildCreatorShareBps": _BPS,
    "boostMultiplier": _FACTOR,
    "premiumRewardMultiplier": _FACTOR,
    "streakMultiplierAt7Days": _FACTOR,
    "streakMultiplierAt30Days": _FACTOR,
    "streakCapMultiplier": _FACTOR,
    "battleWinStreakBonusBps": _BPS,
    "referralUnlock3BonusBps": _BPS,
    "dailyRewardNeur": _COUNT,
    "dailyCapAiba": _CAP,
    "dailyCapNeur": _CAP,
    "dailyCapAibaByArena": _CAPS,
    "dailyCapNeurByArena": _CAPS,
    "emissionStartHourUtc": _HOUR,
    "emissionEndHourUtc": _HOUR,
    "emissionWindows": Keyed(WINDOW_PATTERN, Members({"startHourUtc": _HOUR, "endHourUtc": _HOUR})),
    "seasonLength": Text(choices=("month", "week")),
    "supportLink": Text(max_length=500),
    "supportTelegramGroup": Text(max_length=500),
}
"""A setting that is not here can't be changed by operators; a test compares the names with the defaults."""
