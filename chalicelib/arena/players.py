"""How a player's document begins."""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any


def new_player(now: datetime, *, without: Container[str] = ()) -> Mapping[str, Any]:
    """A new player's fields besides telegramId and profile: no money, no history.

    ``without`` names fields the same write sets otherwise: an update may name a field only once.
    """
    fields: Mapping[str, Any] = {
        "neurBalance": 0,
        "aibaBalance": 0,
        "starsBalance": 0,
        "diamondsBalance": 0,
        "pendingAIBA": 0,
        "wallet": "",
        "badges": [],
        "roles": [],
        "loginStreakDays": 0,
        "battleWinStreak": 0,
        "lastBattleWinAt": None,
        "firstWinDiamondAwardedAt": None,
        "dailyComboSpentTodayAiba": 0,
        "dailyComboSpentDate": "",
        "premiumUntil": None,
        "profileBoostedUntil": None,
        "schoolId": None,
        "bannedUntil": None,
        "bannedReason": "",
        "anomalyFlags": 0,
        "createdAt": now,
        "updatedAt": now,
        "__v": 0,
    }
    return {name: value for name, value in fields.items() if name not in without}
