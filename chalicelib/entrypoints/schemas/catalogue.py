"""Shapes of what everyone may read."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import FLAG, NUMBER, TEXT, list_of, record, ref, stored

_TEXT_OR_NULL: Final = {"type": ["string", "null"]}

SHAPES: Final[Mapping[str, Any]] = {
    "GameMode": stored(
        {
            "key": TEXT,
            "name": TEXT,
            "description": TEXT,
            "enabled": {"const": True},
            "arena": TEXT,
            "league": TEXT,
            "energyCost": NUMBER,
            "cooldownSeconds": NUMBER,
            "entryNeurCost": NUMBER,
            "entryAibaCost": NUMBER,
            "rewardMultiplierAiba": NUMBER,
            "rewardMultiplierNeur": NUMBER,
            "rules": {
                "type": "object",
                "properties": {
                    "requiresGuild": FLAG,
                    "minBrokerLevel": NUMBER,
                    "arenaWeights": {"type": "object", "additionalProperties": NUMBER},
                    "leagueMultiplier": NUMBER,
                    "varianceBase": NUMBER,
                },
            },
        }
    ),
    "GameModes": list_of(ref("GameMode")),
    "Realm": {
        "type": "object",
        "properties": {
            "_id": ref("ObjectId"),
            "key": TEXT,
            "name": TEXT,
            "description": TEXT,
            "level": NUMBER,
            "order": NUMBER,
            "active": FLAG,
            "unlockCriteria": {},
            "tracks": {"type": "array"},
        },
        "required": ["_id", "key", "active"],
        "description": "Written by operators; fields beyond these may appear.",
    },
    "Realms": record({"realms": list_of(ref("Realm"))}),
    "OneRealm": record({"realm": ref("Realm")}),
    "CommsStatus": record({"status": {"const": "operational"}, "updatedAt": ref("Moment")}),
    "CommsConfig": record({"supportLink": _TEXT_OR_NULL, "supportTelegramGroup": _TEXT_OR_NULL}),
}
