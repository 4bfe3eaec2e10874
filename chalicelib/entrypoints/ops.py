"""For load balancers and monitoring: health, readiness, metrics; and the answer to unknown paths."""

import os
from typing import Any

from chalicelib.entrypoints.http import Answer, Call, Reply, Routes
from chalicelib.entrypoints.region_state import known_state
from chalicelib.errors import NotFound, Unavailable
from chalicelib.monitoring.exposition import CONTENT_TYPE, render
from chalicelib.monitoring.readiness import Readiness
from chalicelib.observability import logger

routes = Routes(__name__)


@routes.route(
    "GET",
    "/health",
    standalone=True,
    summary="Whether the process answers; asks no dependency",
    answers=(Answer("Healthy"),),
)
def health(_call: Call) -> dict[str, Any]:
    return {"ok": True}


@routes.route(
    "GET",
    "/health/ready",
    rate_class="unlimited",
    summary="Whether this environment can serve, and which dependencies answer",
    answers=(Answer("Readiness"), Answer("Readiness", 503)),
)
def ready(call: Call) -> Reply:
    readiness = call.arena.readiness()
    body = {
        "ready": readiness.ready,
        "dependencies": {check.name: check.state for check in readiness.checks},
        "environment": {
            "region": call.arena.settings.region,
            "functionVersion": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "local"),
            "initializationType": os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "local"),
        },
    }
    return Reply(body, status=200) if readiness.ready else Reply(body, status=503, headers={"Retry-After": "1"})


@routes.route(
    "GET",
    "/metrics",
    rate_class="unlimited",
    summary="Metrics of the region in Prometheus text",
    answers=(Answer("Text", media_type=CONTENT_TYPE),),
)
def metrics(call: Call) -> Reply:
    readiness: Readiness = call.arena.readiness()
    # Not asked of a database that has just not answered: the page must come within a scraper's patience.
    more = _battle_queue(call) if readiness.ready else []
    state, now = known_state(call.arena, readiness), call.arena.clock()
    if state is not None:
        from chalicelib.monitoring.page import state_lines

        more += state_lines(state, now)
    text = render(readiness, region=call.arena.settings.region, tier=call.arena.settings.tier, more=more)
    return Reply(text, headers={"Content-Type": CONTENT_TYPE})


def _battle_queue(call: Call) -> list[str]:
    from chalicelib.monitoring.battle_queue import exposition

    try:
        waiting = call.arena.battle_queue.recently_waiting()
        now = call.arena.clock()
        return exposition(
            {pair: found.jobs for pair, found in waiting.items()},
            {pair: found.oldest_seconds(now) or 0.0 for pair, found in waiting.items()},
        )
    except Unavailable:
        logger().warning("battle queue length not known")
        return []


def unknown_path(_call: Call) -> Any:
    raise NotFound("not_found", "no such route")


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    for _path in ("/", "/{proxy+}"):
        routes.route(_method, _path)(unknown_path)
