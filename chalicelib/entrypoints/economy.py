"""A player's balances and profile over HTTP."""

from typing import Any

from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.validation import Explained, Text

routes = Routes(__name__)

_SCHOOL = Explained(
    Text(max_length=30), {"type": ["string", "number", "boolean"], "minLength": 1, "pattern": r"\S"}, needed=True
)


@routes.route(
    "GET",
    "/api/economy/me",
    authenticated=True,
    summary="The player's balances and profile, and the economy's settings",
    answers=(Answer("Account"),),
)
def me(call: Call) -> dict[str, Any]:
    return call.arena.economy.me(call.telegram_id)


@routes.route(
    "PATCH",
    "/api/economy/me",
    authenticated=True,
    body={"schoolId": _SCHOOL},
    summary="Set the player's school; text that is no id means none",
    answers=(Answer("SchoolSet"),),
    refusals={400: ("no valid fields to update",)},
)
def change_me(call: Call) -> dict[str, Any]:
    return call.arena.economy.set_school(call.telegram_id, call.body.get("schoolId"))
