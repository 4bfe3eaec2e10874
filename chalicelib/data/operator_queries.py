"""Operators' reads, each served by an index of ``indexes.py``."""

from typing import Any, Final

from bson import ObjectId

from chalicelib.data.leaderboard_queries import MODES_READ_MAX
from chalicelib.data.operations import Find, FindOne

_ANY_KEY: Final = {"key": {"$gte": ""}}
"""Every mode has a key: so all of them are found by its index, whatever else is asked."""

_NEWEST_FIRST: Final = (("createdAt", -1), ("_id", -1))
"""The id decides between rows of one moment: of one transaction, say."""


def modes(arena: str | None, league: str | None, enabled: bool | None) -> Find:
    """The first modes that are not deleted; a mode that does not say otherwise is enabled."""
    where: dict[str, Any] = {**_ANY_KEY, "deletedAt": None}
    where |= {name: value for name, value in (("arena", arena), ("league", league)) if value is not None}
    if enabled is not None:
        where["enabled"] = {"$ne": False} if enabled else False
    return Find("gamemodes", where, sort=(("arena", 1), ("league", 1), ("key", 1)), limit=MODES_READ_MAX)


def mode(mode_id: str) -> FindOne:
    return FindOne("gamemodes", {"_id": ObjectId(mode_id), "deletedAt": None})


def mode_of_key(key: str) -> FindOne:
    return FindOne("gamemodes", {"key": key})


def ledger(telegram_id: str | None, limit: int) -> Find:
    """Ledger rows, newest first."""
    where = {} if telegram_id is None else {"telegramId": telegram_id}
    return Find("ledgerentries", where, sort=_NEWEST_FIRST, limit=limit)


def actions(limit: int) -> Find:
    """What operators changed, newest first."""
    return Find("operatoractions", {}, sort=_NEWEST_FIRST, limit=limit)
