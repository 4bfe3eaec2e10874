"""What operators see of the regions, from this one."""

from typing import Any, Final

from chalicelib.entrypoints.http import Answer, Call, Routes

routes: Final = Routes(__name__)


@routes.route(
    "GET",
    "/api/ops/regions",
    operator=True,
    summary="The regions as this one sees them: roles, replication lag, what waits to be sent",
    answers=(Answer("Regions"),),
)
def regions(call: Call) -> dict[str, Any]:
    return {"region": call.arena.settings.region, "regions": call.arena.operating.regions_seen()}
