"""Operators see how the region scales, and fix the number for a while. Not of the game's facts: the arena's own."""

from typing import Any, Final

from tests.integration.transcript.exchange import Exchange, Scene, data, refusal
from tests.integration.transcript.operators import operate

OVERRIDE: Final = {"desired": 9, "minutes": 60, "reason": "a tournament"}


def overridden(scene: Scene) -> None:
    bearer = {"authorization": f"Bearer {scene.operator_token()}"}
    assert scene.send("POST", "/api/ops/scaling/override", OVERRIDE, None, **bearer).status == 200


STATE: Final[dict[str, Any]] = {"policy": "guide", "limits": {"min": 3, "max": 20}, "override": None, "decisions": []}

EXCHANGES: Final = (
    operate("scaling: nothing decided yet", "GET /api/ops/scaling?limit=5", 200, data(STATE)),
    operate("scaling: what the controller would do now", "POST /api/ops/scaling/evaluate", 200, None),
    operate("scaling: the number is fixed for an hour", "POST /api/ops/scaling/override", 200, None, body=OVERRIDE),
    operate(
        "scaling: more than the tier allows",
        "POST /api/ops/scaling/override",
        409,
        refusal("outside_bounds", message="desired: 21; allowed here: 3 to 20"),
        body={**OVERRIDE, "desired": 21},
    ),
    operate("scaling: the override ends", "DELETE /api/ops/scaling/override", 200, data(None), given=(overridden,)),
    Exchange(
        about="scaling: closed to players",
        request="GET /api/ops/scaling",
        status=401,
        answer=refusal("admin auth required"),
    ),
)
