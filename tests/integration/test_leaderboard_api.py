"""Leaderboards over HTTP, with Redis and without."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from chalice.app import Chalice
from pymongo.database import Database

from chalicelib import wiring
from chalicelib.clock import ManualClock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from chalicelib.entrypoints import scheduled
from chalicelib.settings import load
from tests.gateway import call
from tests.http_arena import Caller, fight, start
from tests.installed import Fixed
from tests.unhurried import UnhurriedArena
from tests.unit.test_settings import DEVELOPMENT

EVENT: Mapping[str, Any] = dict.fromkeys(
    ("version", "account", "region", "detail-type", "source", "time", "id"), ""
) | {
    "detail": {},
    "resources": [],
}
"""What EventBridge invokes a scheduled function with."""

ROW = {"totalScore", "totalAiba", "totalNeur", "battles", "telegramId", "username", "badges", "rank"}


@pytest.fixture(params=["with redis", "without"])
def arena(
    request: pytest.FixtureRequest,
    mongo_uri: str,
    valkey_url: str,
    database: Database[dict[str, Any]],
    clock: ManualClock,
) -> Iterator[wiring.Arena]:
    ensure_indexes(database)
    seed_defaults(database, clock())
    redis_url = valkey_url if request.param == "with redis" else ""
    environ = {**DEVELOPMENT, "MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": redis_url}
    arena = UnhurriedArena(load(environ), clock=clock)
    wiring.install(Fixed(arena))
    yield arena
    wiring.install(None)
    arena.close()


def test_leaderboards_over_http(player: Caller, api: Chalice, arena: wiring.Arena, clock: ManualClock) -> None:
    """Three players fight; lists, ranks, neighbours and seasons tell of it, before and after the sets are loaded."""
    scores: dict[str, int] = {}
    for user in (777, 888, 999):
        scores[str(user)] = fight(player, start(player, user), user).data["score"]
        clock.advance(1)
    order = sorted(((score, who) for who, score in scores.items()), reverse=True)
    for _ in range(2):
        rows = player("GET", "/api/leaderboard?by=SCORE").data
        assert [(row["totalScore"], row["telegramId"], row["rank"]) for row in rows] == [
            (score, who, rank) for rank, (score, who) in enumerate(order, 1)
        ]
        assert all(set(row) == ROW and row["username"] == f"u{row['telegramId']}" for row in rows)
        assert len(player("GET", "/api/leaderboard?by=battles&limit=2&league=rookie&season=current").data) == 2
        mine = player("GET", "/api/leaderboard/my-rank").data
        assert mine == {
            "rank": 1 + sum(score > scores["777"] for score in scores.values()),
            "totalScore": scores["777"],
            "totalAiba": 2 * scores["777"],
            "totalNeur": 0,
            "battles": 1,
        }
        around = player("GET", "/api/leaderboard/around-me?range=1&season=2026-11").data
        assert around["me"]["telegramId"] == "777"
        assert [*around["above"], around["me"], *around["below"]] == [
            row for row in rows if abs(row["rank"] - around["me"]["rank"]) <= 1
        ]
        report = scheduled.leaderboards(EVENT, None)
        assert report["redis"] == ("absent" if arena.settings.redis_url is None else "ok")
    assert player("GET", "/api/leaderboard/seasons").data == {
        "seasons": [
            {
                "id": "2026-11",
                "startsAt": "2026-11-01T00:00:00.000Z",
                "endsAt": "2026-12-01T00:00:00.000Z",
                "archived": False,
            }
        ]
    }
    clock.advance(30 * 86_400)
    assert scheduled.seasons(EVENT, None)["archived"] == ("2026-11",)


def test_leaderboard_refusals(player: Caller, api: Chalice, arena: wiring.Arena) -> None:
    """By status, code and details; only for those who are signed in."""
    cases = [
        ("/api/leaderboard?by=rank", 400, "invalid by"),
        ("/api/leaderboard/my-rank?by=rank", 400, "invalid by"),
        ("/api/leaderboard?league=pro&realm=x", 400, "invalid board"),
        ("/api/leaderboard?season=2026", 400, "invalid season"),
        ("/api/leaderboard?season=2025-01", 404, "season not found"),
        ("/api/leaderboard/around-me?league=bronze", 404, "league not found"),
        ("/api/leaderboard/around-me?realm=x", 404, "Realm not found"),
    ]
    for url, status, code in cases:
        answer = player("GET", url)
        assert (answer.status, answer.error["code"]) == (status, code), url
    for url, details in [
        ("/api/leaderboard?limit=0", {"limit": "min:1"}),
        ("/api/leaderboard?limit=501", {"limit": "max:500"}),
        ("/api/leaderboard?limit=many", {"limit": "number"}),
        ("/api/leaderboard/around-me?range=51", {"range": "max:50"}),
    ]:
        answer = player("GET", url)
        assert (answer.status, answer.error["details"]) == (400, details)
    for path in ("", "/my-rank", "/around-me", "/seasons"):
        assert call(api, "GET", f"/api/leaderboard{path}").status == 401
    empty = player("GET", "/api/leaderboard?by=&limit=&league=")
    assert (empty.status, empty.data) == (200, [])
    assert player("GET", "/api/leaderboard/my-rank").data["rank"] == 1
    assert player("GET", "/api/leaderboard/around-me").data == {"above": [], "me": None, "below": []}
