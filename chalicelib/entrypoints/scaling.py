"""The scaling controller's clock, and what operators see and change of it."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from chalice.app import CloudWatchEvent

from chalicelib import wiring
from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.invocations import InvokedBlueprint
from chalicelib.entrypoints.operating import by
from chalicelib.entrypoints.scheduled import alone
from chalicelib.entrypoints.validation import Integer, Text
from chalicelib.observability import logger

blueprint: Final = InvokedBlueprint(__name__)
routes: Final = Routes(__name__)

RUN_SECONDS: Final = 50.0
EVALUATIONS_A_RUN: Final = 4
"""A minute's. A run ends with the last one: a pause after it would keep the lock when the next run begins."""
_NO_CONTROLLER: Final = {503: ("scaling_unavailable",)}
_NO_LAMBDA: Final = {503: ("scaling_unavailable", "lambda_unavailable")}
_DECISIONS_SHOWN: Final = 20
_DECISIONS_SHOWN_MAX: Final = 100
_MINUTES_MAX: Final = 24 * 60
_REASON_CHARACTERS_MAX: Final = 200


@blueprint.schedule("rate(1 minute)", name="scaling")
def scaling(_event: CloudWatchEvent) -> dict[str, Any]:
    """Evaluates the scaling rules every 15 s and moves provisioned concurrency."""
    run = partial(wiring.arena().scaling.run, most=EVALUATIONS_A_RUN)
    report = alone("scaling", run, RUN_SECONDS)
    logger().info("scaling evaluated", **report)
    return report


@routes.route(
    "GET",
    "/api/ops/scaling",
    operator=True,
    query={"limit": Integer(minimum=1, maximum=_DECISIONS_SHOWN_MAX)},
    summary="The scaling controller: policy, bounds, override and latest decisions",
    answers=(Answer("ScalingState"),),
    refusals=_NO_CONTROLLER,
)
def scaling_state(call: Call) -> dict[str, Any]:
    """Decisions newest first, 20 unless said otherwise; each with its reason and what came of it."""
    return call.arena.scaling.show(call.query.get("limit", _DECISIONS_SHOWN))


@routes.route(
    "POST",
    "/api/ops/scaling/evaluate",
    operator=True,
    summary="What the controller would do now",
    answers=(Answer("ScalingEvaluation"),),
    refusals=_NO_LAMBDA,
)
def evaluate_scaling(call: Call) -> dict[str, Any]:
    """A dry run: every input, every rule's outcome, every clamp. Nothing is stored or moved."""
    return call.arena.scaling.preview()


@routes.route(
    "POST",
    "/api/ops/scaling/override",
    operator=True,
    body={
        "desired": Integer(required=True, minimum=1),
        "minutes": Integer(required=True, minimum=1, maximum=_MINUTES_MAX),
        "reason": Text(required=True, min_length=1, max_length=_REASON_CHARACTERS_MAX),
    },
    summary="Fix the number of environments for a while",
    answers=(Answer("ScalingOverride"),),
    refusals={**_NO_CONTROLLER, 409: ("outside_bounds",)},
)
def override_scaling(call: Call) -> dict[str, Any]:
    """From the next evaluation on, within the tier's bounds and the connection budgets; it ends by itself."""
    made = call.arena.scaling.override(**call.body, by=call.operator)
    _noted(call, "scaling.override", dict(call.body))
    return made


@routes.route(
    "DELETE",
    "/api/ops/scaling/override",
    operator=True,
    summary="End the override",
    answers=(Answer("NoScalingOverride"),),
    refusals=_NO_CONTROLLER,
)
def end_override(call: Call) -> None:
    """The policy decides again from the next evaluation on."""
    call.arena.scaling.end_override()
    _noted(call, "scaling.end_override", {})


def _noted(call: Call, action: str, after: Mapping[str, Any]) -> None:
    region = call.arena.settings.region
    call.arena.operating.journal.note(action, by(call), entity="scaling", entity_id=region, after=after)
