"""Shapes of a player's account."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.arena.economy_config import PUBLIC_FIELDS
from chalicelib.entrypoints.schemas.common import COUNT, NUMBER, TEXT, list_of, nullable, record, ref

SHAPES: Final[Mapping[str, Any]] = {
    "Economy": record(dict.fromkeys(PUBLIC_FIELDS, NUMBER), description="The economy's settings a player may see."),
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
