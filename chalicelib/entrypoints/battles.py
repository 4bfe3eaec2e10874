"""Battles over HTTP."""

from typing import Any

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.entrypoints.http import Call, Routes
from chalicelib.entrypoints.validation import Boolean, ObjectIdText, Schema, Text

routes = Routes(__name__)

BATTLE: Schema = {
    "requestId": Text(required=True, min_length=1, max_length=128),
    "brokerId": ObjectIdText(required=True),
    "arena": Text(max_length=50),
    "league": Text(max_length=50),
    "modeKey": Text(max_length=100),
    "autoClaim": Boolean(),
}


@routes.route("POST", "/api/battle/run", authenticated=True, body=BATTLE)
def run_battle(call: Call) -> dict[str, Any]:
    return call.arena.battles.run(
        BattleCommand(
            telegram_id=call.telegram_id,
            request_id=call.body["requestId"],
            broker_id=call.body["brokerId"],
            arena=call.body.get("arena"),
            league=call.body.get("league"),
            mode_key=call.body.get("modeKey"),
        )
    ).body()
