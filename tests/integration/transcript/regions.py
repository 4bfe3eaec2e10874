"""Operators see the regions. Not of the game's facts: the arena's own."""

from typing import Any, Final

from tests.integration.transcript.exchange import Exchange, data, refusal
from tests.integration.transcript.operators import operate

NOTHING_FROM: Final = {"events": 0, "p50Seconds": None, "p99Seconds": None, "leastSeconds": None}
NOTHING_TO: Final = {"waiting": 0, "oldestSeconds": None, "setAside": 0}


def region(name: str, priority: int, *, own: bool = False) -> dict[str, Any]:
    seen = {"from": None, "to": None} if own else {"from": NOTHING_FROM, "to": NOTHING_TO}
    return {"region": name, "priority": priority, "servedBy": name, "epoch": 0, "url": None, **seen}


REGIONS: Final = [region("us-east-1", 1, own=True), region("eu-west-1", 2), region("ap-southeast-1", 3)]

EXCHANGES: Final = (
    operate(
        "regions: nothing has happened yet",
        "GET /api/ops/regions",
        200,
        data({"region": "us-east-1", "regions": REGIONS}),
    ),
    Exchange(
        about="regions: closed to players",
        request="GET /api/ops/regions",
        status=401,
        answer=refusal("admin auth required"),
    ),
)
