"""A player's balances and profile over HTTP."""

from typing import Any

from chalicelib.entrypoints.http import Call, Routes
from chalicelib.entrypoints.validation import Text

routes = Routes(__name__)


@routes.route("GET", "/api/economy/me", authenticated=True)
def me(call: Call) -> dict[str, Any]:
    return call.arena.economy.me(call.telegram_id)


@routes.route("PATCH", "/api/economy/me", authenticated=True, body={"schoolId": Text(max_length=30)})
def change_me(call: Call) -> dict[str, Any]:
    return call.arena.economy.set_school(call.telegram_id, call.body.get("schoolId"))
