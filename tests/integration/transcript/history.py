"""A player's ledger rows and battles, which the game of today tells no player."""

from typing import Any, Final

from tests.integration.transcript.battle_run import BATTLE, BODY
from tests.integration.transcript.exchange import (
    BROKER,
    ID,
    POSITIVE,
    TEXT,
    TIME,
    Exchange,
    Like,
    broker,
    data,
    invalid,
    player,
    refusal,
    sent,
)

TRAINED: Final = (
    player(neurBalance=100),
    broker(),
    sent("POST", "/api/brokers/train", {"brokerId": BROKER, "stat": "speed", "requestId": "t:1"}),
)
FOUGHT: Final = (broker(), sent("POST", "/api/battle/run", BODY))
PAGE_TOKEN: Final = Like("cursor", lambda value: isinstance(value, str) and len(value) == 52)


def row(
    currency: str, direction: str, amount: Any, reason: str, arena: str, league: str, request: Any
) -> dict[str, Any]:
    battle = ID if request == "battle-1" else None
    return {
        "id": ID,
        "currency": currency,
        "direction": direction,
        "amount": amount,
        "reason": reason,
        "arena": arena,
        "league": league,
        "requestId": request,
        "battleId": battle,
        "createdAt": TIME,
    }


EXCHANGES: Final = (
    Exchange(
        about="5: a debit of 25 NEUR for training",
        request="GET /api/transactions",
        given=TRAINED,
        status=200,
        answer=data({"items": [row("NEUR", "debit", 25, "train", "training", "global", "t:1")], "nextCursor": None}),
    ),
    Exchange(
        about="5: a first win's diamond",
        request="GET /api/transactions?currency=diamonds",
        given=FOUGHT,
        status=200,
        answer=data(
            {
                "items": [row("DIAMONDS", "credit", 1, "first_win", "prediction", "rookie", "battle-1")],
                "nextCursor": None,
            }
        ),
    ),
    Exchange(
        about="5: a battle's AIBA",
        request="GET /api/transactions?currency=AIBA&reason=battle_reward",
        given=FOUGHT,
        status=200,
        answer=data(
            {
                "items": [row("AIBA", "credit", POSITIVE, "battle_reward", "prediction", "rookie", "battle-1")],
                "nextCursor": None,
            }
        ),
    ),
    Exchange(
        about="ours: a page and where the next begins",
        request="GET /api/transactions?limit=1&currency=stars",
        given=(
            *FOUGHT,
            lambda scene: scene.database.brokers.update_one({}, {"$set": {"energy": 100, "cooldowns": {}}}),
            sent("POST", "/api/battle/run", {**BODY, "requestId": "battle-2"}),
        ),
        status=200,
        answer=data(
            {
                "items": [{**row("STARS", "credit", 1, "battle_reward", "prediction", "rookie", TEXT), "battleId": ID}],
                "nextCursor": PAGE_TOKEN,
            }
        ),
    ),
    Exchange(
        about="ours: a cursor of nobody",
        request="GET /api/transactions?cursor=made-up",
        status=400,
        answer=refusal("invalid_cursor", message=TEXT),
    ),
    Exchange(
        about="ours: filters are checked",
        request="GET /api/transactions?currency=euro&limit=101",
        status=400,
        answer=invalid(currency="enum", limit="max:100"),
    ),
    Exchange(
        about="ours: battles as a replay answers them",
        request="GET /api/battles?league=rookie",
        given=FOUGHT,
        status=200,
        answer=data({"items": [BATTLE], "nextCursor": None}),
    ),
    Exchange(
        about="ours: history is the player's own",
        request="GET /api/battles",
        user=888,
        given=FOUGHT,
        status=200,
        answer=data({"items": [], "nextCursor": None}),
    ),
    Exchange(
        about="ours: history asks for sign-in",
        request="GET /api/transactions",
        user=None,
        status=401,
        answer=refusal("telegram auth failed", "missing initData or botToken"),
    ),
)
