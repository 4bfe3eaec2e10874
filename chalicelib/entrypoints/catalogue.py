"""What everyone may read: game modes, realms, service status."""

from typing import Any

from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.validation import Text

routes = Routes(__name__)


@routes.route(
    "GET",
    "/api/game-modes",
    query={"arena": Text(max_length=50), "league": Text(max_length=50)},
    summary="Enabled game modes by arena, league and key",
    answers=(Answer("GameModes"),),
)
def game_modes(call: Call) -> list[dict[str, Any]]:
    return call.arena.catalogue.game_modes(call.query.get("arena"), call.query.get("league"))


@routes.route("GET", "/api/realms", summary="Active realms by level and order", answers=(Answer("Realms"),))
def realms(call: Call) -> dict[str, Any]:
    return call.arena.catalogue.realms()


@routes.route(
    "GET",
    "/api/realms/{key}",
    summary="One active realm",
    answers=(Answer("OneRealm"),),
    refusals={404: ("Realm not found",)},
)
def realm(call: Call) -> dict[str, Any]:
    return call.arena.catalogue.realm(call.path["key"])


@routes.route("GET", "/api/comms/status", summary="Whether the service runs", answers=(Answer("CommsStatus"),))
def comms_status(call: Call) -> dict[str, Any]:
    return call.arena.catalogue.comms_status()


@routes.route("GET", "/api/comms/config", summary="Where players find help", answers=(Answer("CommsConfig"),))
def comms_config(call: Call) -> dict[str, Any]:
    return call.arena.catalogue.comms_config()
