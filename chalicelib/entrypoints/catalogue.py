"""What everyone may read: game modes, realms, service status."""

from typing import Any

from chalicelib.entrypoints.http import Call, Routes
from chalicelib.entrypoints.validation import Text

routes = Routes(__name__)


@routes.route("GET", "/api/game-modes", query={"arena": Text(max_length=50), "league": Text(max_length=50)})
def game_modes(call: Call) -> list[dict[str, Any]]:
    return call.arena.catalogue.game_modes(call.query.get("arena"), call.query.get("league"))


@routes.route("GET", "/api/realms")
def realms(call: Call) -> dict[str, Any]:
    return call.arena.catalogue.realms()


@routes.route("GET", "/api/realms/{key}")
def realm(call: Call) -> dict[str, Any]:
    return call.arena.catalogue.realm(call.path["key"])


@routes.route("GET", "/api/comms/status")
def comms_status(call: Call) -> dict[str, Any]:
    return call.arena.catalogue.comms_status()


@routes.route("GET", "/api/comms/config")
def comms_config(call: Call) -> dict[str, Any]:
    return call.arena.catalogue.comms_config()
