"""Operators see the region in numbers. Not of the game's facts: the arena's own."""

from typing import Final

from tests.integration.transcript.exchange import TIME, Exchange, Like, Scene, data, invalid, refusal
from tests.integration.transcript.operators import operate

SEVERAL: Final = Like("list", lambda value: isinstance(value, list))
NUMBER: Final = Like("whole number or null", lambda value: value is None or isinstance(value, int))
POOLS: Final = [
    {"pool": name, "minSize": 0, "maxSize": most, "open": NUMBER, "inUse": NUMBER, "environments": NUMBER}
    for name, most in (("primary", 2), ("secondary", 1), ("analytics", 1))
]
REGION: Final = {"region": "us-east-1"}
CACHE: Final = {
    **{**REGION, "at": TIME, "configured": False, "answers": False, "hitRatio": None, "lookups": [], "nodes": []},
    **{"commands": [], "breakersOpen": NUMBER, "breakerChanges": [], "limits": SEVERAL},
}


def away(scene: Scene) -> None:
    """What the environments tell is not to be read: one told a figure as no release does."""
    scene.database.metrics.insert_one({"_id": "record", "at": "noon", "gauges": [], "baseline": []})


EXCHANGES: Final = (
    operate("figures: environments", "GET /api/ops/instances", 200, None),
    operate("figures: no minute is kept yet", "GET /api/ops/history", 200, data({**REGION, "points": []})),
    operate("figures: three hours at most", "GET /api/ops/history?minutes=181", 400, invalid(minutes="max:180")),
    operate(
        "figures: the database",
        "GET /api/ops/database",
        200,
        data(
            {
                **{**REGION, "at": TIME, "pools": POOLS, "commands": SEVERAL},
                **{"errorsTotal": NUMBER, "checkoutFailuresTotal": NUMBER, "answers": True},
            }
        ),
    ),
    operate("figures: no cache is configured", "GET /api/ops/cache", 200, data(CACHE)),
    operate(
        "figures: what was told can't be read",
        "GET /api/ops/instances",
        503,
        refusal("metrics_unavailable", message="what the region's environments told is not known at present"),
        given=(away,),
        answer_headers={"retry-after": "1"},
    ),
    *(
        Exchange(
            about=f"figures: {what} closed to players",
            request=f"GET /api/ops/{what}",
            status=401,
            answer=refusal("admin auth required"),
        )
        for what in ("instances", "history", "database", "cache")
    ),
)
