"""For load balancers and monitoring: health, readiness, metrics; and the answer to unknown paths."""

import os
from typing import Any

from chalicelib.entrypoints.http import Call, Reply, Routes
from chalicelib.errors import NotFound
from chalicelib.monitoring.exposition import CONTENT_TYPE, render
from chalicelib.monitoring.readiness import Readiness

routes = Routes(__name__)


@routes.route("GET", "/health", standalone=True)
def health(_call: Call) -> dict[str, Any]:
    return {"ok": True}


@routes.route("GET", "/health/ready")
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


@routes.route("GET", "/metrics")
def metrics(call: Call) -> Reply:
    readiness: Readiness = call.arena.readiness()
    text = render(readiness, region=call.arena.settings.region, tier=call.arena.settings.tier)
    return Reply(text, headers={"Content-Type": CONTENT_TYPE})


def unknown_path(_call: Call) -> Any:
    raise NotFound("not_found", "no such route")


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    for _path in ("/", "/{proxy+}"):
        routes.route(_method, _path)(unknown_path)
