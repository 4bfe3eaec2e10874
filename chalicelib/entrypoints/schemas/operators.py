"""Shapes of what operators see."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.arena.economy_config import DEFAULTS
from chalicelib.entrypoints.schemas.catalogue import SHAPES as CATALOGUE
from chalicelib.entrypoints.schemas.common import COUNT, FLAG, NUMBER, TEXT, list_of, nullable, record, ref, stored

_MODE: Final = CATALOGUE["GameMode"]

_NUMBERS_BY_NAME: Final = {"type": "object", "additionalProperties": NUMBER}
_WINDOW: Final = record({"startHourUtc": NUMBER, "endHourUtc": NUMBER}, optional=("startHourUtc", "endHourUtc"))
_SETTINGS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(DEFAULTS, NUMBER),
    "dailyCapAibaByArena": _NUMBERS_BY_NAME,
    "dailyCapNeurByArena": _NUMBERS_BY_NAME,
    "emissionWindows": {"type": "object", "additionalProperties": _WINDOW},
    "seasonLength": {"enum": ["month", "week"]},
    "supportLink": TEXT,
    "supportTelegramGroup": TEXT,
}
_DOCUMENT: Final = {"type": "object", "description": "The whole document as it was stored."}

SHAPES: Final[Mapping[str, Any]] = {
    "OperatorToken": record(
        {
            "token": TEXT,
            "tokenType": {"const": "Bearer"},
            "role": {"const": "superadmin"},
            "expiresAt": ref("Moment"),
        }
    ),
    "OperatorGameMode": {
        **_MODE,
        "properties": {**_MODE["properties"], "enabled": FLAG, "deletedAt": ref("Moment")},
        "description": "`deletedAt` stands only in the answer to its deletion.",
    },
    "OperatorGameModes": list_of(ref("OperatorGameMode")),
    "EconomySettings": record(_SETTINGS, description="Every setting, stored or by default."),
    "OperatorLedgerRow": stored(
        {
            "telegramId": ref("TelegramId"),
            "currency": {"enum": ["NEUR", "AIBA", "STARS", "DIAMONDS"]},
            "direction": {"enum": ["credit", "debit"]},
            "amount": COUNT,
            "reason": TEXT,
            "arena": TEXT,
            "league": TEXT,
            "sourceType": TEXT,
            "sourceId": TEXT,
            "requestId": TEXT,
            "battleId": nullable(ref("ObjectId")),
            "applied": FLAG,
            "meta": {"type": "object"},
        }
    ),
    "OperatorLedgerRows": list_of(ref("OperatorLedgerRow")),
    "OperatorAction": record(
        {
            "_id": ref("ObjectId"),
            "operator": TEXT,
            "action": {
                "enum": [
                    *("game_mode.create", "game_mode.change", "game_mode.delete", "economy_config.change"),
                    *("dead_letters.replay", "cache.warm", "scaling.override", "scaling.end_override"),
                    *("failover.take_over", "failover.return"),
                ]
            },
            "entity": {"enum": ["game_mode", "economy_config", "queue", "cache", "scaling", "region"]},
            "entityId": {**TEXT, "description": "A document's id, a queue's or a region's name."},
            "before": nullable(_DOCUMENT),
            "after": _DOCUMENT,
            "requestId": TEXT,
            "createdAt": ref("Moment"),
        }
    ),
    "OperatorActions": list_of(ref("OperatorAction")),
}
