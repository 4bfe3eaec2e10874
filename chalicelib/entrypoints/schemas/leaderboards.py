"""Shapes of leaderboards."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, FLAG, TEXT, list_of, nullable, record, ref

_SUMS: Final = {"totalScore": COUNT, "totalAiba": COUNT, "totalNeur": COUNT, "battles": COUNT}
_RANK: Final = {"type": "integer", "minimum": 1}

SHAPES: Final[Mapping[str, Any]] = {
    "LeaderboardRow": record(
        {
            **_SUMS,
            "telegramId": ref("TelegramId"),
            "username": TEXT,
            "badges": {"type": "array"},
            "rank": {**_RANK, "description": "Position in the list."},
        },
        description="A player with battles. Equals are ordered by telegramId as text, the greater first.",
    ),
    "LeaderboardRows": list_of(ref("LeaderboardRow")),
    "MyRank": record(
        {"rank": {**_RANK, "description": "1 + players with strictly more."}, **_SUMS},
        description="One's own rank; without battles all sums are 0 and the rank is after everyone with more than 0.",
    ),
    "AroundMe": record(
        {
            "above": list_of(ref("LeaderboardRow")),
            "me": nullable(ref("LeaderboardRow")),
            "below": list_of(ref("LeaderboardRow")),
        },
        description="One's own row between its neighbours, in the order of the list. Without battles me is null.",
    ),
    "Season": record(
        {
            "id": {"type": "string", "pattern": r"^\d{4}-(\d\d|W\d\d)$", "examples": ["2026-11", "2026-W48"]},
            "startsAt": ref("Moment"),
            "endsAt": {**ref("Moment"), "description": "The first moment after it."},
            "archived": {**FLAG, "description": "Whether it is over and its standings are final."},
        }
    ),
    "Seasons": record({"seasons": list_of(ref("Season"))}),
}
