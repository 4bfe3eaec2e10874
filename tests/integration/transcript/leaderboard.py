"""Section 8: leaderboards. The battle's score is not fixed here: sums are compared with the battle by other tests."""

from typing import Any, Final

from tests.integration.transcript.battle_run import BODY
from tests.integration.transcript.exchange import (
    OTHER,
    POSITIVE,
    TIME,
    Exchange,
    broker,
    data,
    refusal,
    sent,
)

FOUGHT: Final = (broker(), sent("POST", "/api/battle/run", BODY))


def row(user: int, rank: int, **sums: Any) -> dict[str, Any]:
    return {
        "totalScore": POSITIVE,
        "totalAiba": POSITIVE,
        "totalNeur": 0,
        "battles": 1,
        "telegramId": str(user),
        "username": f"u{user}",
        "badges": [],
        "rank": rank,
        **sums,
    }


NOTHING: Final = {"totalScore": 0, "totalAiba": 0, "totalNeur": 0, "battles": 0}

EXCHANGES: Final = (
    Exchange(
        about="8: leaderboard: only players with battles",
        request="GET /api/leaderboard",
        given=FOUGHT,
        status=200,
        answer=data([row(777, 1)]),
        instead="a duplicated user appears twice",
    ),
    Exchange(
        about="8: leaderboard: by is case-insensitive",
        request="GET /api/leaderboard?by=BATTLES&limit=1",
        given=FOUGHT,
        status=200,
        answer=data([row(777, 1)]),
    ),
    Exchange(
        about="8: leaderboard: by something else",
        request="GET /api/leaderboard?by=luck",
        status=400,
        answer=refusal("invalid by", {"allowed": ["score", "aiba", "neur", "battles"]}),
    ),
    Exchange(
        about="8: leaderboard: sign-in",
        request="GET /api/leaderboard",
        user=None,
        status=401,
        answer=refusal("telegram auth failed", "missing initData or botToken"),
    ),
    Exchange(
        about="8: my rank",
        request="GET /api/leaderboard/my-rank",
        given=FOUGHT,
        status=200,
        answer=data({"rank": 1, "totalScore": POSITIVE, "totalAiba": POSITIVE, "totalNeur": 0, "battles": 1}),
    ),
    Exchange(
        about="8: my rank without battles is after everyone with more than 0",
        request="GET /api/leaderboard/my-rank",
        user=OTHER,
        given=FOUGHT,
        status=200,
        answer=data({"rank": 2, **NOTHING}),
    ),
    Exchange(
        about="ours: around me",
        request="GET /api/leaderboard/around-me",
        given=FOUGHT,
        status=200,
        answer=data({"above": [], "me": row(777, 1), "below": []}),
    ),
    Exchange(
        about="ours: around me without battles",
        request="GET /api/leaderboard/around-me",
        status=200,
        answer=data({"above": [], "me": None, "below": []}),
    ),
    Exchange(
        about="ours: the board of a league nobody knows",
        request="GET /api/leaderboard?league=nowhere",
        status=404,
        answer=refusal("league not found"),
    ),
    Exchange(
        about="ours: seasons",
        request="GET /api/leaderboard/seasons",
        status=200,
        answer=data({"seasons": [{"id": "2026-11", "startsAt": TIME, "endsAt": TIME, "archived": False}]}),
    ),
)
