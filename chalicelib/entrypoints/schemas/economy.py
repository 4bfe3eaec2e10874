"""Shapes of a player's account."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, NUMBER, TEXT, list_of, nullable, record, ref

_SETTINGS: Final = (
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

SHAPES: Final[Mapping[str, Any]] = {
    "Economy": record(dict.fromkeys(_SETTINGS, NUMBER), description="The economy's settings a player may see."),
    "Account": record(
        {
            "telegramId": ref("TelegramId"),
            "wallet": TEXT,
            "neurBalance": COUNT,
            "aibaBalance": COUNT,
            "starsBalance": COUNT,
            "diamondsBalance": COUNT,
            "badges": list_of(TEXT),
            "economy": ref("Economy"),
            "profileBoostedUntil": nullable(ref("Moment")),
            "schoolId": nullable(ref("ObjectId")),
        }
    ),
    "SchoolSet": record({"ok": {"const": True}, "schoolId": nullable(ref("ObjectId"))}),
}
