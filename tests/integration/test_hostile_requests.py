"""Requests of somebody who reads the source: operators of the database, fields that are not theirs, others' things."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.app import Chalice
from pymongo.database import Database

from tests.gateway import Answer, call
from tests.http_arena import SOME_ID, Caller, fight, init_data, start

OPERATORS = ({"$gt": ""}, {"$ne": None}, {"$where": "1"}, {"$regex": "."}, ["x"], {"a.b": 1})
HALF = "\ud800"
ODD: dict[str, Any] = {
    **{HALF: "\udfff", "a": [[[[{}]]]], "name": "\0", "requestId": "\0", "brokerId": "\0", "initData": {"$gt": 1}},
    **{"format": 1, "payload": {HALF: 1}, "events": [{"format": 1, HALF: 1}], "email": HALF, "password": HALF},
}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda value: json.dumps(value))
def test_an_operator_of_the_database_is_no_value(player: Caller, operator: Any) -> None:
    broker = start(player)
    for path, body in (
        ("/api/battle/run", {"requestId": operator, "brokerId": broker}),
        ("/api/battle/run", {"requestId": "r", "brokerId": operator}),
        ("/api/battle/run", {"requestId": "r", "brokerId": broker, "arena": operator}),
        ("/api/battle/run", {"requestId": "r", "brokerId": broker, "modeKey": operator}),
        ("/api/brokers/train", {"requestId": "r", "brokerId": operator, "stat": "speed"}),
        ("/api/guilds/create", {"name": operator}),
        ("/api/guilds/join", {"guildId": operator}),
    ):
        answer = player("POST", path, body)
        assert (answer.status, answer.error["code"]) == (400, "validation_error"), path


def test_an_operator_in_a_query_is_no_filter(player: Caller) -> None:
    fight(player, start(player))
    everything = player("GET", "/api/leaderboard").data
    assert player("GET", "/api/leaderboard?by[$gt]=&league[$ne]=x").data == everything
    assert player("GET", "/api/game-modes?arena=$gt").data == []


def test_what_is_not_asked_for_is_not_written(player: Caller, database: Database[dict[str, Any]]) -> None:
    more = {"ownerTelegramId": "1", "energy": 999, "level": 99, "xp": 9, "speed": 999, "banned": False, "_id": SOME_ID}
    answer = player("POST", "/api/brokers/starter", {**more, "telegramId": "1", "aibaBalance": 10**9, "role": "admin"})
    assert answer.status == 201
    (broker,) = database.brokers.find()
    assert (broker["ownerTelegramId"], broker["level"], broker["speed"]) == ("777", 1, 50)
    assert broker["energy"] <= 100
    assert str(broker["_id"]) != SOME_ID
    (user,) = database.users.find()
    assert user["telegramId"] == "777"
    assert not user.get("aibaBalance")
    assert "role" not in user


def test_another_players_broker_is_not_there(player: Caller, database: Database[dict[str, Any]]) -> None:
    broker = start(player)
    database.users.update_many({}, {"$set": {"neurBalance": 1000, "aibaBalance": 1000}})
    for path, fields in (
        ("/api/battle/run", {}),
        ("/api/brokers/train", {"stat": "speed"}),
        ("/api/brokers/repair", {}),
        ("/api/brokers/upgrade", {"stat": "speed"}),
    ):
        answer = player("POST", path, {"requestId": path, "brokerId": broker, **fields}, 888)
        assert answer.status in (403, 404), path
    (stored,) = database.brokers.find()
    assert (stored["ownerTelegramId"], stored["speed"], stored["level"]) == ("777", 50, 1)


def everything(api: Chalice) -> Iterator[Answer]:
    """Every route, with odd bodies and each kind of odd header."""
    senders: tuple[dict[str, str], ...] = (
        {"x-telegram-init-data": init_data(777)},
        {"authorization": f"Bearer é{HALF}"},
        {
            **{"x-admin-token": HALF, "x-arena-forwarded": f"a;b;{HALF};k1;é", "x-forwarded-for": HALF},
            **{"origin": f"{HALF}://x", "x-request-id": HALF, "if-none-match": HALF, "x-telegram-init-data": HALF},
        },
    )
    for pattern, methods in sorted(api.routes.items()):
        url = re.sub(r"\{\w+\+?\}", "%00%F0%9F", pattern)
        for method in methods:
            for headers in senders:
                yield call(api, method, url, None if method == "GET" else json.dumps(ODD), headers)


def test_no_request_breaks_a_route_or_its_answer(api: Chalice) -> None:
    statuses = set()
    for answer in everything(api):
        (answer.text + json.dumps(dict(answer.headers), ensure_ascii=False)).encode()
        statuses.add(answer.status)
    assert {200, 400, 401, 404} <= statuses
    assert not statuses & {500, 501, 502, 504}
