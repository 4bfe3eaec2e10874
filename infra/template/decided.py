"""A completed template as its parameters' values leave it: what is not wanted is left out, not only conditioned away.

LocalStack refuses types it does not know even under a condition that is false. AWS is given the same template.
"""

from collections.abc import Mapping

from chalicelib.scaling_settings import CONTROLLER
from infra.template.alarm import ALARMS_WANTED
from infra.template.auto_scaling import without_auto_scaling
from infra.template.backup import BACKED_UP, BACKUP_BUCKET
from infra.template.dashboard import DASHBOARD_WANTED
from infra.template.document import Json, without
from infra.template.parameters import ALARMS, DASHBOARD, SCALING_BY, WEBSOCKET_API
from infra.template.rotation import DAYS, ROTATED
from infra.template.surroundings import without_surroundings
from infra.template.websocket import without_websocket_api


def decided(template: Json, values: Mapping[str, str]) -> Json:
    """A copy of ``template`` without what ``values`` (of parameters, by name) do not ask for."""
    kept = without_surroundings(template, values)
    if values.get(DAYS, "0") == "0":
        kept = without(kept, (ROTATED,))
    if values.get(ALARMS) == "off":
        # The dashboard, which wants them, goes with them.
        kept = without(kept, (ALARMS_WANTED,))
    elif values.get(DASHBOARD) == "off":
        kept = without(kept, (DASHBOARD_WANTED,))
    if not values.get(BACKUP_BUCKET):
        kept = without(kept, (BACKED_UP,))
    if values.get(WEBSOCKET_API) == "none":
        kept = without_websocket_api(kept)
    return without_auto_scaling(kept) if values.get(SCALING_BY, CONTROLLER) == CONTROLLER else kept
