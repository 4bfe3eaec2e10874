"""Shapes of brokers and of the actions on them."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import (
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    Schema,
    list_of,
    nullable,
    record,
    ref,
    stored,
)

_STAT: Final = {"type": "number", "minimum": 0, "maximum": 100}
_ACTION_ID: Final = {
    "type": "string",
    "pattern": "^[A-Za-z0-9._:-]{1,128}$",
    "description": "The action's idempotency id, not the HTTP request's.",
}


def _acted(balance: str) -> Schema:
    return record({"ok": {"const": True}, "broker": ref("Broker"), balance: COUNT, "requestId": _ACTION_ID})


SHAPES: Final[Mapping[str, Any]] = {
    "Broker": stored(
        {
            "ownerTelegramId": ref("TelegramId"),
            "risk": _STAT,
            "intelligence": _STAT,
            "speed": _STAT,
            "specialty": TEXT,
            "level": {"type": "number", "minimum": 1},
            "xp": NUMBER,
            "energy": {
                **NUMBER,
                "description": "As stored at energyUpdatedAt; what has regenerated since is not in it.",
            },
            "energyUpdatedAt": ref("Moment"),
            "lastBattleAt": nullable(ref("Moment")),
            "cooldowns": {
                "type": "object",
                "additionalProperties": ref("Moment"),
                "description": "The last battle by mode key and by arena.",
            },
            "anomalyFlags": COUNT,
            "banned": FLAG,
            "banReason": TEXT,
            "lastRequestId": TEXT,
            "nftCollectionAddress": TEXT,
            "nftItemAddress": TEXT,
            "nftItemIndex": {"type": ["integer", "null"]},
            "metadataUri": TEXT,
            "guildId": nullable(ref("ObjectId")),
            "rentedByTelegramId": TEXT,
            "rentedUntil": nullable(ref("Moment")),
            "createdWithTonTxHash": TEXT,
        }
    ),
    "Brokers": list_of(ref("Broker")),
    "PaidInNeur": _acted("neurBalance"),
    "PaidInAiba": _acted("aibaBalance"),
}
