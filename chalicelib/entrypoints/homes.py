"""Where a player is at home, over HTTP."""

from typing import Any, Final

from chalicelib.arena.homes import alone
from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.validation import Explained, Schema, Text

routes = Routes(__name__)

REGION: Final[Schema] = {"region": Explained(Text(required=True, max_length=50), {"examples": ["eu-west-1"]})}


@routes.route(
    "GET",
    "/api/home",
    authenticated=True,
    summary="The player's home region, the one that serves it now, and the one that answers",
    answers=(Answer("Home"),),
)
def home(call: Call) -> dict[str, Any]:
    region = call.arena.settings.region
    homes = call.arena.homes() or alone(region)
    found = homes.home_of(call.arena.players.account(call.telegram_id).player)
    return {"home": found, "servedBy": homes.serving.get(found), "answeredBy": region}


@routes.route(
    "POST",
    "/api/home",
    authenticated=True,
    body=REGION,
    summary="Move the player's home to another region; battles wait a second or two meanwhile",
    answers=(Answer("Home"),),
    refusals={
        400: ("unknown_region",),
        404: ("player not found",),
        409: ("home_unavailable",),
        429: ("moved_recently",),
    },
)
def move_home(call: Call) -> dict[str, Any]:
    moved = call.arena.moves.move(call.telegram_id, call.body["region"])
    return {"home": moved.home, "servedBy": moved.home, "answeredBy": call.arena.settings.region}
