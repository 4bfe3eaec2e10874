"""A player's own account."""

import re
from typing import Any, Final

from chalicelib.arena.economy_config import public_economy
from chalicelib.arena.ledger import CURRENCIES, balance_field
from chalicelib.arena.ports import Document, PlayerQueries
from chalicelib.clock import Clock
from chalicelib.errors import BadRequest

_OBJECT_ID: Final = re.compile(r"[0-9a-fA-F]{24}")


class EconomyService:
    """Balances, the economy's public settings, and the profile field players set themselves."""

    def __init__(self, players: PlayerQueries, clock: Clock) -> None:
        self._players = players
        self._clock = clock

    def me(self, telegram_id: str) -> Document:
        """The data of GET /api/economy/me; a player never seen before has nothing yet."""
        account = self._players.account(telegram_id)
        player = account.player or {}
        return {
            "telegramId": telegram_id,
            "wallet": player.get("wallet") or "",
            **{balance_field(currency): player.get(balance_field(currency)) or 0 for currency in CURRENCIES},
            "badges": player.get("badges") or [],
            "economy": public_economy(account.config),
            "profileBoostedUntil": player.get("profileBoostedUntil"),
            "schoolId": player.get("schoolId"),
        }

    def set_school(self, telegram_id: str, school_id: str | None) -> dict[str, Any]:
        """Sets the player's school; text that is no id means no school.

        Raises BadRequest("no valid fields to update") for None, the field that was not sent.
        """
        if school_id is None:
            raise BadRequest("no valid fields to update")
        school = school_id.lower() if _OBJECT_ID.fullmatch(school_id) else None
        self._players.set_school(telegram_id, school, self._clock())
        return {"ok": True, "schoolId": school}
