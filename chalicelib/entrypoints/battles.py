"""Battles over HTTP."""

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from chalicelib.entrypoints.http import Answer, Call, Reply, Routes
from chalicelib.entrypoints.passing_on import at_home
from chalicelib.entrypoints.validation import Boolean, Explained, ObjectIdText, Schema, Text
from chalicelib.errors import NotFound

if TYPE_CHECKING:
    from chalicelib.arena.battle_gate import BattleCommand

routes = Routes(__name__)

BATTLE: Schema = {
    "requestId": Text(required=True, min_length=1, max_length=128),
    "brokerId": ObjectIdText(required=True),
    "arena": Explained(Text(max_length=50), {"examples": ["prediction"]}),
    "league": Explained(Text(max_length=50), {"examples": ["rookie"]}),
    "modeKey": Explained(Text(max_length=100), {"examples": ["prediction"]}),
    "autoClaim": Boolean(),
}
STATUS: Schema = {"requestId": Text(required=True, min_length=1, max_length=128)}

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._~-]*")
"""Ids that a path carries unchanged through every gateway: encoded slashes and spaces arrive decoded or not at all."""

_NEIGHBOURS: Final = frozenset({"run", "queue", "status"})
"""Last parts of the paths beside ``/api/battle/{requestId}``."""


@routes.route(
    "POST",
    "/api/battle/run",
    authenticated=True,
    rate_class="battle",
    body=BATTLE,
    summary="Fight a battle; a repeated requestId answers with the battle it fought",
    answers=(Answer("Battle"),),
    refusals={
        400: ("invalid_mode",),
        403: (
            "banned",
            "mode_disabled",
            "guild required",
            "not your broker",
            "broker banned",
            "league_locked",
            "no energy",
            "insufficient NEUR",
            "insufficient AIBA",
        ),
        404: ("broker not found",),
        409: ("requestId already used",),
        429: ("cooldown",),
    },
)
def run_battle(call: Call) -> dict[str, Any]:
    return call.arena.battles.run(_command(call)).body()


@routes.route(
    "POST",
    "/api/battle/queue",
    authenticated=True,
    at_home=True,
    rate_class="battle",
    body=BATTLE,
    summary="Queue a battle; what becomes of it is told at statusUrl",
    answers=(Answer("QueuedBattle", 202), Answer("QueuedBattle", 200)),
    refusals={409: ("requestId already used",), 503: ("queue_unavailable",)},
)
def queue_battle(call: Call) -> Reply:
    from chalicelib.arena.battle_jobs import DONE

    command = _command(call)
    status = call.arena.battle_queue.accept(command, call.request_id)
    body = {"requestId": command.request_id, "status": status, "statusUrl": status_url(command.request_id)}
    return Reply(body, status=200 if status == DONE else 202)


@routes.route(
    "GET",
    "/api/battle/status",
    authenticated=True,
    query=STATUS,
    summary="What became of a battle, by any requestId",
    answers=(Answer("BattleStatus"),),
    refusals={404: ("battle not found",)},
)
def battle_status(call: Call) -> dict[str, Any]:
    return _status(call, call.query["requestId"])


@routes.route(
    "GET",
    "/api/battle/{requestId}",
    authenticated=True,
    summary="What became of a battle, by a requestId of letters, digits and - . _ ~",
    answers=(Answer("BattleStatus"),),
    refusals={404: ("battle not found",)},
)
def battle(call: Call) -> dict[str, Any]:
    return _status(call, call.path["requestId"])


def _status(call: Call, request_id: str) -> dict[str, Any]:
    """As this region knows it, where it was queued; else as the player's home does."""
    try:
        return call.arena.battle_queue.status(call.telegram_id, request_id)
    except NotFound:
        at_home(call.arena, call.telegram_id)
        raise


def status_url(request_id: str) -> str:
    """Where to ask after ``request_id``: a path to be put after the API's base."""
    if _PLAIN.fullmatch(request_id) and request_id not in _NEIGHBOURS:
        return f"/api/battle/{request_id}"
    return f"/api/battle/status?requestId={quote(request_id, safe='')}"


def _command(call: Call) -> "BattleCommand":
    from chalicelib.arena.battle_gate import BattleCommand

    return BattleCommand(
        telegram_id=call.telegram_id,
        request_id=call.body["requestId"],
        broker_id=call.body["brokerId"],
        arena=call.body.get("arena"),
        league=call.body.get("league"),
        mode_key=call.body.get("modeKey"),
    )
