"""A player's ledger and battles over HTTP."""

from typing import Any

import pytest
from chalice.app import Chalice

from chalicelib.clock import ManualClock
from tests.gateway import call
from tests.http_arena import Caller, fight, start


@pytest.fixture
def fought(player: Caller, clock: ManualClock) -> list[Any]:
    """Three battles of one player, one of another."""
    battles = []
    for _ in range(3):
        battles.append(fight(player, start(player)).data)
        clock.advance(30.001)
    fight(player, start(player, 778), 778)
    return battles


def walk(player: Caller, url: str, query: str = "") -> list[Any]:
    """All items of a list, by its cursors."""
    items, more = [], ""
    for _ in range(50):
        answer = player("GET", f"{url}?limit=2{query}{more}")
        assert answer.status == 200, answer.text
        items += answer.data["items"]
        if answer.data["nextCursor"] is None:
            return items
        more = f"&cursor={answer.data['nextCursor']}"
    raise AssertionError("the list does not end")


def test_the_ledger_tells_every_row_once_in_pages(player: Caller, fought: list[Any]) -> None:
    """Newest first, nobody else's, and they add up to the balances."""
    rows = walk(player, "/api/transactions")
    assert len({row["id"] for row in rows}) == len(rows) == 7
    assert [row["createdAt"] for row in rows] == sorted((row["createdAt"] for row in rows), reverse=True)
    assert {row["battleId"] for row in rows} == {battle["_id"] for battle in fought}
    me = player("GET", "/api/economy/me").data
    for currency in ("NEUR", "AIBA", "STARS", "DIAMONDS"):
        assert me[f"{currency.lower()}Balance"] == sum(row["amount"] for row in rows if row["currency"] == currency)
    first = next(row for row in rows if row["battleId"] == fought[0]["_id"] and row["currency"] == "AIBA")
    assert first == {
        "id": first["id"],
        "currency": "AIBA",
        "direction": "credit",
        "amount": fought[0]["rewardAiba"],
        "reason": "battle_reward",
        "arena": "prediction",
        "league": "rookie",
        "requestId": fought[0]["requestId"],
        "battleId": fought[0]["_id"],
        "createdAt": fought[0]["createdAt"],
    }


FILTERS = {
    "&currency=STARS": 3,
    "&currency=stars": 3,
    "&reason=first_win": 1,
    "&reason=nothing": 0,
    "&currency=DIAMONDS&reason=first_win": 1,
    "&currency=AIBA&reason=first_win": 0,
    "&currency=&reason=&from=": 7,
    "&from=2026-11-23T12:00:30.001Z": 4,
    "&from=2026-11-23T12:00:30.002Z": 2,
    "&to=2026-11-23T12:00:30.001Z": 3,
    "&to=2026-11-23T12:00:30.01Z": 5,
    "&from=2026-11-24T00:00:00Z": 0,
}


def test_the_ledger_can_be_filtered(player: Caller, fought: list[Any]) -> None:
    """By currency in any case, by reason, by time; what is empty is no filter."""
    found = {query: len(walk(player, "/api/transactions", query)) for query in FILTERS}
    assert found == FILTERS


def test_battles_are_told_as_their_replay_is(player: Caller, fought: list[Any]) -> None:
    """Newest first, in pages, by arena, league and mode."""
    told = walk(player, "/api/battles", "&arena=prediction&league=rookie")
    replays = [
        player("POST", "/api/battle/run", {"requestId": battle["requestId"], "brokerId": battle["brokerId"]}).data
        for battle in reversed(fought)
    ]
    assert told == replays
    assert walk(player, "/api/battles", "&modeKey=prediction") == replays
    for none in ("&arena=arbitrage", "&league=pro", "&modeKey=prediction-pro"):
        assert walk(player, "/api/battles", none) == []


def test_a_history_is_its_players_own(api: Chalice, player: Caller) -> None:
    """Empty for who has done nothing, and nobody's without a sign-in."""
    for url in ("/api/transactions", "/api/battles"):
        assert player("GET", url).data == {"items": [], "nextCursor": None}
        answer = call(api, "GET", url)
        assert (answer.status, answer.error["code"]) == (401, "telegram auth failed")


def test_a_cursor_works_for_its_list_alone(player: Caller, fought: list[Any]) -> None:
    """Not for another player, other filters, another list; and not when it is made up."""
    cursor = player("GET", "/api/transactions?limit=1&currency=AIBA").data["nextCursor"]
    assert player("GET", f"/api/transactions?limit=2&currency=aiba&cursor={cursor}").status == 200
    for url, user in (
        (f"/api/transactions?currency=AIBA&cursor={cursor}", 778),
        (f"/api/transactions?cursor={cursor}", 777),
        (f"/api/transactions?currency=NEUR&cursor={cursor}", 777),
        (f"/api/battles?cursor={cursor}", 777),
        (f"/api/transactions?currency=AIBA&cursor={cursor[:-1]}", 777),
        ("/api/transactions?cursor=%F0%9F%90%BB", 777),
    ):
        answer = player("GET", url, None, user)
        assert (answer.status, answer.error["code"]) == (400, "invalid_cursor"), url


WRONG = {
    "limit=0": {"limit": "min:1"},
    "limit=101": {"limit": "max:100"},
    "limit=many": {"limit": "number"},
    "currency=GOLD": {"currency": "enum"},
    f"cursor={'A' * 101}": {"cursor": "maxLength:100"},
    "from=yesterday": {"from": "pattern"},
    "to=2026-11-23": {"to": "pattern"},
    "from=2026-13-01T00:00:00Z&to=2026-11-23T24:00:00Z": {"from": "pattern", "to": "pattern"},
}


def test_what_is_wrong_with_a_query_is_said(player: Caller) -> None:
    """Field by field."""
    for query, details in WRONG.items():
        answer = player("GET", f"/api/transactions?{query}")
        assert (answer.status, answer.error["code"]) == (400, "validation_error"), query
        assert answer.error["details"] == details
