"""Reads of settling follow-ups, each served by an index of ``indexes.py``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chalicelib.arena.ledger import REASONS
from chalicelib.data.operations import Find


def due(now: datetime, limit: int) -> Find:
    """Events whose follow-ups are due, the longest due first."""
    return Find("outbox", {"followUpsDueAt": {"$lte": now}}, sort=(("followUpsDueAt", 1),), limit=limit)


def earnings(referrers: Sequence[str], request_ids: Sequence[str]) -> Find:
    """Ledger rows that pay these referrers for these battles."""
    # The index holds texts only; unless the query says so too, the server does not see that it serves.
    text = {"$type": "string"}
    where = {
        "telegramId": {"$in": list(referrers)},
        "sourceType": {"$eq": REASONS["creator_earnings"].source_type, **text},
        "sourceId": {"$in": list(request_ids), **text},
    }
    return Find("ledgerentries", where)


def damages(boss_ids: Sequence[Any], battle_ids: Sequence[Any]) -> Find:
    """What these battles did to these bosses."""
    # As above: the index holds rows that name a battle.
    battles = {"$in": list(battle_ids), "$type": "objectId"}
    return Find("bossdamages", {"bossId": {"$in": list(boss_ids)}, "battleId": battles})


def bosses(boss_ids: Sequence[Any]) -> Find:
    return Find("globalbosses", {"_id": {"$in": list(boss_ids)}})
