"""Sections 5, 7 and 12: operators."""

from typing import Any, Final

from bson import ObjectId

from tests.installed import OPERATOR
from tests.integration.transcript.brokers import TRAIN
from tests.integration.transcript.exchange import (
    ID,
    NOBODYS,
    TEXT,
    TIME,
    Exchange,
    Scene,
    broker,
    data,
    invalid,
    player,
    refusal,
    sent,
)
from tests.integration.transcript.public import game_mode

MODE_ID: Final = "6b042290b0d099afb79631e1"
LOGIN: Final = "POST /api/admin/auth/login"
TRAINED: Final = (player(neurBalance=100), broker(), sent("POST", "/api/brokers/train", {**TRAIN, "requestId": "t:1"}))
NEW_MODE: Final[dict[str, Any]] = {
    **game_mode("duel", "duel", "rookie", 10, 30),
    "_id": MODE_ID,
    "name": "Duel",
    "description": "",
}


def wrong_five_times(scene: Scene) -> None:
    for _ in range(5):
        assert scene.send("POST", "/api/admin/auth/login", {**OPERATOR, "password": "no"}, None).status == 401


def duel(scene: Scene) -> None:
    """A mode of its own."""
    stamps = {"createdAt": scene.now, "updatedAt": scene.now}
    scene.database.gamemodes.insert_one({**NEW_MODE, "_id": ObjectId(MODE_ID), **stamps})


def operate(about: str, request: str, status: int, answer: Any, **more: Any) -> Exchange:
    return Exchange(about=about, request=request, user=None, operator=True, status=status, answer=answer, **more)


EXCHANGES: Final = (
    Exchange(
        about="7: an operator signs in",
        request=LOGIN,
        user=None,
        body=OPERATOR,
        status=200,
        answer=data({"token": TEXT, "tokenType": "Bearer", "role": "superadmin", "expiresAt": TIME}),
    ),
    Exchange(
        about="7: an operator signs in for an hour",
        request=LOGIN,
        user=None,
        body={**OPERATOR, "minutes": 60},
        status=200,
        answer=data({"token": TEXT, "tokenType": "Bearer", "role": "superadmin", "expiresAt": TIME}),
    ),
    Exchange(
        about="7: a token lives for half a day at most",
        request=LOGIN,
        user=None,
        body={**OPERATOR, "minutes": 721},
        status=400,
        answer=invalid(minutes="max:720"),
    ),
    Exchange(
        about="7: a wrong password",
        request=LOGIN,
        user=None,
        body={**OPERATOR, "password": "no"},
        status=401,
        answer=refusal("invalid credentials"),
    ),
    Exchange(
        about="7: the sixth try within 15 minutes, with Retry-After",
        request=LOGIN,
        user=None,
        body=OPERATOR,
        given=(wrong_five_times,),
        status=429,
        answer=refusal("rate_limited", {"limit": "operator-sign-in", "retryAfterMs": 180_000}),
        answer_headers={"retry-after": "180", "x-ratelimit-limit": "5", "x-ratelimit-remaining": "0"},
    ),
    Exchange(
        about="7: no token",
        request="GET /api/admin/game-modes",
        user=777,
        status=401,
        answer=refusal("admin auth required"),
    ),
    Exchange(
        about="7: a token of nobody",
        request="GET /api/admin/game-modes",
        user=None,
        headers={"x-admin-token": "made.up.token"},
        status=401,
        answer=refusal("admin auth failed"),
    ),
    operate(
        "5: ledger rows, newest first",
        "GET /api/admin/economy/ledger?telegramId=777&limit=500",
        200,
        data(
            [
                {
                    "_id": ID,
                    "telegramId": "777",
                    "currency": "NEUR",
                    "direction": "debit",
                    "amount": 25,
                    "reason": "train",
                    "arena": "training",
                    "league": "global",
                    "sourceType": "broker_train",
                    "sourceId": "t:1",
                    "requestId": "t:1",
                    "battleId": None,
                    "applied": True,
                    "meta": {},
                    "createdAt": TIME,
                    "updatedAt": TIME,
                    "__v": 0,
                }
            ]
        ),
        given=TRAINED,
    ),
    operate(
        "5: at most 500 ledger rows",
        "GET /api/admin/economy/ledger?limit=501",
        400,
        invalid(limit="max:500"),
    ),
    operate(
        "12: modes, disabled ones as well",
        "GET /api/admin/game-modes?arena=duel",
        200,
        data([{**NEW_MODE, "enabled": False}]),
        given=(duel, lambda scene: scene.database.gamemodes.update_one({"key": "duel"}, {"$set": {"enabled": False}})),
    ),
    operate(
        "12: a new mode has the defaults",
        "POST /api/admin/game-modes",
        201,
        data({**NEW_MODE, "_id": ID}),
        body={"key": "duel", "name": "Duel", "arena": "duel"},
    ),
    operate(
        "12: a key is taken",
        "POST /api/admin/game-modes",
        409,
        refusal("key already taken", {"key": "prediction"}),
        body={"key": "prediction", "name": "n", "arena": "prediction"},
    ),
    operate(
        "12: a mode changes",
        f"PATCH /api/admin/game-modes/{MODE_ID}",
        200,
        data({**NEW_MODE, "energyCost": 12}),
        body={"energyCost": "12.9"},
        given=(duel,),
    ),
    operate(
        "12: nothing to change",
        f"PATCH /api/admin/game-modes/{MODE_ID}",
        400,
        refusal("no valid fields to update"),
        body={},
        given=(duel,),
    ),
    operate(
        "12: a misspelt field is no change",
        f"PATCH /api/admin/game-modes/{MODE_ID}",
        400,
        invalid(energyCosts="unknown"),
        body={"energyCosts": 12},
        given=(duel,),
    ),
    operate(
        "12: no such mode",
        f"DELETE /api/admin/game-modes/{NOBODYS}",
        404,
        refusal("game mode not found"),
    ),
    operate(
        "12: a mode is deleted",
        f"DELETE /api/admin/game-modes/{MODE_ID}",
        200,
        data({**NEW_MODE, "enabled": False, "deletedAt": TIME}),
        given=(duel,),
    ),
    operate("12: the settings in force", "GET /api/admin/economy/config", 200, None),
    operate(
        "12: a setting changes",
        "PATCH /api/admin/economy/config",
        200,
        None,
        body={"trainNeurCost": 30},
    ),
    operate(
        "12: what operators did",
        "GET /api/admin/actions?limit=1",
        200,
        data([]),
    ),
)
