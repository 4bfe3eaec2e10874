"""Operators over HTTP: sign in, game modes, the economy's settings, everyone's ledger."""

from datetime import timedelta
from typing import Any, Final

from chalicelib.arena.operator_sign_in import TOKEN_LIFE
from chalicelib.entrypoints.http import Answer, Call, Reply, Routes
from chalicelib.entrypoints.operating import by
from chalicelib.entrypoints.operator_fields import ECONOMY, MODE_CHANGE, MODES_LISTED, NEW_MODE
from chalicelib.entrypoints.structures import Verbatim, resets
from chalicelib.entrypoints.validation import Closed, Integer, ObjectIdText, Schema, Text, validate
from chalicelib.errors import ValidationFailed

routes = Routes(__name__)

ONE_MODE: Schema = {"id": ObjectIdText(required=True)}

_TOKEN_MINUTES_MAX: Final = TOKEN_LIFE // timedelta(minutes=1)
_LEDGER_MAX: Final = 500
_LEDGER_DEFAULT: Final = 100
_ACTIONS_MAX: Final = 25
"""Each holds two whole documents: of the widest settings operators can store, so many stay below Lambda's 6 MB."""


@routes.route(
    "POST",
    "/api/admin/auth/login",
    operator_sign_in=True,
    rate_class="operator-sign-in",
    body={
        "email": Text(required=True, max_length=254),
        "password": Verbatim(required=True, max_length=1024),
        "minutes": Integer(minimum=1, maximum=_TOKEN_MINUTES_MAX),
    },
    summary="Sign in as an operator",
    answers=(Answer("OperatorToken"),),
    refusals={401: ("invalid credentials",), 404: ("not_found",)},
)
def operator_login(call: Call) -> dict[str, Any]:
    """Five tries per e-mail address and client address in 15 minutes. The token opens operator routes for 12 hours,
    or for the minutes asked for."""
    life = timedelta(minutes=call.body.get("minutes", _TOKEN_MINUTES_MAX))
    return call.arena.operators.sign_in.login(call.body["email"], call.body["password"], call.client_address, life)


@routes.route(
    "GET",
    "/api/admin/game-modes",
    operator=True,
    query=MODES_LISTED,
    summary="Game modes, enabled or not",
    answers=(Answer("OperatorGameModes"),),
)
def operator_game_modes(call: Call) -> list[dict[str, Any]]:
    """The first 1000 by arena, league and key."""
    return call.arena.operators.modes.modes(**{name: call.query.get(name) for name in MODES_LISTED})


@routes.route(
    "POST",
    "/api/admin/game-modes",
    operator=True,
    body=Closed(NEW_MODE),
    summary="Create a game mode",
    answers=(Answer("OperatorGameMode", 201),),
    refusals={409: ("key already taken",)},
)
def create_game_mode(call: Call) -> Reply:
    """What is not said has the game's defaults. The key of a deleted mode may be used again."""
    return Reply(call.arena.operators.modes.create(call.body, by(call)), status=201)


@routes.route(
    "PATCH",
    "/api/admin/game-modes/{id}",
    operator=True,
    body=Closed(MODE_CHANGE),
    summary="Change a game mode",
    answers=(Answer("OperatorGameMode"),),
    refusals={400: ("no valid fields to update",), 404: ("game mode not found",)},
)
def change_game_mode(call: Call) -> dict[str, Any]:
    """Changes the fields sent; `rules` is replaced whole. `null` puts a field back at its default."""
    defaulted = resets(MODE_CHANGE, call.sent)
    needed: dict[str, str] = {name: "required" for name in ("name", "arena") if name in defaulted}
    if needed:
        raise ValidationFailed(needed)
    return call.arena.operators.modes.change(_mode_id(call), call.body, defaulted, by(call))


@routes.route(
    "DELETE",
    "/api/admin/game-modes/{id}",
    operator=True,
    summary="Delete a game mode",
    answers=(Answer("OperatorGameMode"),),
    refusals={400: ("validation_error",), 404: ("game mode not found",)},
)
def delete_game_mode(call: Call) -> dict[str, Any]:
    """Battles no longer find it. Seeding the defaults does not bring it back; creating its key anew does."""
    return call.arena.operators.modes.delete(_mode_id(call), by(call))


@routes.route(
    "GET",
    "/api/admin/economy/config",
    operator=True,
    summary="The economy's settings in force",
    answers=(Answer("EconomySettings"),),
)
def economy_settings(call: Call) -> dict[str, Any]:
    return call.arena.operators.economy.settings()


@routes.route(
    "PATCH",
    "/api/admin/economy/config",
    operator=True,
    body=Closed(ECONOMY),
    summary="Change the economy's settings",
    answers=(Answer("EconomySettings"),),
    refusals={400: ("no valid fields to update",)},
)
def change_economy_settings(call: Call) -> dict[str, Any]:
    """Changes the settings sent, each map whole. `null` puts a setting back at its default."""
    return call.arena.operators.economy.change(call.body, resets(ECONOMY, call.sent), by(call))


@routes.route(
    "GET",
    "/api/admin/economy/ledger",
    operator=True,
    query={"telegramId": Text(max_length=64), "limit": Integer(minimum=1, maximum=_LEDGER_MAX)},
    summary="Ledger rows, newest first",
    answers=(Answer("OperatorLedgerRows"),),
)
def operator_ledger(call: Call) -> list[dict[str, Any]]:
    """Of one player, or of everyone."""
    return call.arena.operators.economy.ledger(call.query.get("telegramId"), call.query.get("limit", _LEDGER_DEFAULT))


@routes.route(
    "GET",
    "/api/admin/actions",
    operator=True,
    query={"limit": Integer(minimum=1, maximum=_ACTIONS_MAX)},
    summary="What operators changed, newest first",
    answers=(Answer("OperatorActions"),),
)
def operator_actions(call: Call) -> list[dict[str, Any]]:
    return call.arena.operators.economy.actions(call.query.get("limit", _ACTIONS_MAX))


def _mode_id(call: Call) -> str:
    return str(validate(ONE_MODE, call.path)["id"])
