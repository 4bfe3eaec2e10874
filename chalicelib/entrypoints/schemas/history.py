"""Shapes of a player's history."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, TEXT, list_of, nullable, record, ref

_CURSOR: Final = {
    **nullable({"type": "string", "pattern": "^[A-Za-z0-9_-]{52}$"}),
    "description": "Send it as `cursor`, with the same filters, for the page that follows; null on the last page.",
}

SHAPES: Final[Mapping[str, Any]] = {
    "Transaction": record(
        {
            "id": ref("ObjectId"),
            "currency": {"enum": ["NEUR", "AIBA", "STARS", "DIAMONDS"]},
            "direction": {"enum": ["credit", "debit"]},
            "amount": COUNT,
            "reason": TEXT,
            "arena": TEXT,
            "league": TEXT,
            "requestId": TEXT,
            "battleId": nullable(ref("ObjectId")),
            "createdAt": ref("Moment"),
        },
        description="One row of the ledger: an amount that came (credit) or went (debit), and why.",
    ),
    "Transactions": record({"items": list_of(ref("Transaction")), "nextCursor": _CURSOR}),
    "BattleHistory": record({"items": list_of(ref("Battle")), "nextCursor": _CURSOR}),
}
