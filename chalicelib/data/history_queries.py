"""Reads of a player's history, each one range of an index of ``indexes.py``.

The indexes end in the fields one may filter by. A page then reads as many documents as it tells, and looks at no
more index keys than the player has rows between its first and its last.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bson import ObjectId

from chalicelib.arena.history_ports import HistoryQuery
from chalicelib.arena.history_service import LEDGER_FIELDS
from chalicelib.data.operations import Find

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Asked for even where no time is: only dates compare with it, so a document without one is left out."""

_NEWEST_FIRST: Final = (("createdAt", -1), ("_id", -1))
_TOLD: Final = dict.fromkeys(LEDGER_FIELDS, 1)


def ledger_rows(query: HistoryQuery) -> Find:
    where = _where("telegramId", query)
    return Find("ledgerentries", where, sort=_NEWEST_FIRST, limit=query.limit, projection=_TOLD)


def battles(query: HistoryQuery) -> Find:
    return Find("battles", _where("ownerTelegramId", query), sort=_NEWEST_FIRST, limit=query.limit)


def _where(owner: str, query: HistoryQuery) -> Mapping[str, Any]:
    same = {owner: query.telegram_id, **query.equal}
    span: dict[str, datetime] = {"$gte": query.since or _BEGINNING}
    if query.until is not None:
        span["$lt"] = query.until
    if query.after is None:
        return {**same, "createdAt": span}
    # Two ranges of the index, merged in its order: as one, rows of the same millisecond would be read again.
    moment = query.after.moment
    older = {**same, "createdAt": {**span, "$lt": moment}}
    same_moment = {**same, "createdAt": moment, "_id": {"$lt": ObjectId(query.after.id)}}
    return {"$or": [older, same_moment]}
