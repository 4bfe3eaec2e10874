"""The HTTP contract on a real database: the Chalice app is called with the events API Gateway sends."""

import json
import uuid
from datetime import UTC
from typing import Any

import pytest
from chalice.app import Chalice
from pymongo.database import Database

from chalicelib import wiring
from chalicelib.arena.engine import simulate_battle
from chalicelib.clock import ManualClock
from tests.gateway import call
from tests.http_arena import SOME_ID, Caller, fight, init_data, start
from tests.localstack.running import eventually


def test_health_needs_no_dependency_and_echoes_the_request_id(api: Chalice) -> None:
    answer = call(api, "GET", "/health", headers={"x-request-id": "  abc-1 "})
    assert (answer.status, answer.json) == (200, {"ok": True, "requestId": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"


def test_an_unfit_request_id_is_replaced_by_a_uuid(api: Chalice) -> None:
    for unfit in ("", "x" * 300, "naïve"):
        answer = call(api, "GET", "/health", headers={"x-request-id": unfit})
        assert uuid.UUID(answer.json["requestId"]).version == 4


def test_ready_names_each_dependency(api: Chalice) -> None:
    # The first look has a second to connect in, which a busy machine may not keep to.
    answer = eventually(lambda: call(api, "GET", "/health/ready"), lambda found: found.status == 200)
    assert answer.data["dependencies"] == {"mongodb": "up", "redis": "off"}


def test_metrics_are_prometheus_text(api: Chalice) -> None:
    up = 'aiba_dependency_up{dependency="mongodb"} 1'
    answer = eventually(lambda: call(api, "GET", "/metrics"), lambda found: up in found.text.splitlines())
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_a_battle_is_fought_and_its_score_is_the_engines(player: Caller) -> None:
    broker = start(player)
    answer = fight(player, broker)
    assert answer.status == 200
    battle = answer.data
    stats = {"intelligence": 50, "speed": 50, "risk": 50, "level": 1}
    assert battle["score"] == simulate_battle(stats, int(battle["seedHex"][:8], 16), "prediction", "rookie")
    assert set(battle) == {
        *("_id", "requestId", "ownerTelegramId", "brokerId", "arena", "league", "modeKey", "seedHex", "score"),
        *("rewardAiba", "rewardNeur", "guildId", "opponentGuildId", "guildShareNeur", "anomaly", "anomalyReason"),
        *("claim", "createdAt", "updatedAt", "__v", "starsGranted", "firstWinDiamond"),
    }
    assert battle["rewardAiba"] == battle["score"] * 2
    assert battle["firstWinDiamond"] == 1
    me = player("GET", "/api/economy/me").data
    assert (me["aibaBalance"], me["starsBalance"], me["diamondsBalance"]) == (battle["rewardAiba"], 1, 1)
    assert len(me["economy"]) == 19


def test_a_repeated_request_id_answers_with_the_same_battle_and_pays_once(player: Caller) -> None:
    broker = start(player)
    body = {"requestId": " once ", "brokerId": broker}
    first = player("POST", "/api/battle/run", body).data
    again = player("POST", "/api/battle/run", {"requestId": "once", "brokerId": SOME_ID}).data
    assert again == {key: value for key, value in first.items() if key not in ("starsGranted", "firstWinDiamond")}
    assert player("GET", "/api/economy/me").data["aibaBalance"] == first["rewardAiba"]
    other = player("POST", "/api/battle/run", body, 888)
    assert (other.status, other.error["code"]) == (409, "requestId already used")


def test_battle_refusals_by_status_and_code(player: Caller, database: Database[dict[str, Any]]) -> None:
    broker = start(player)
    cases = [
        ({"brokerId": SOME_ID}, 404, "broker not found"),
        ({"brokerId": broker, "arena": "nowhere"}, 400, "invalid_mode"),
        ({"brokerId": broker, "modeKey": "nowhere"}, 400, "invalid_mode"),
        ({"brokerId": broker, "arena": "guildWars"}, 403, "guild required"),
        ({"brokerId": broker, "league": "pro"}, 403, "league_locked"),
        ({"brokerId": start(player, 888)}, 403, "not your broker"),
    ]
    for fields, status, code in cases:
        answer = player("POST", "/api/battle/run", {"requestId": "same id, refused, may be tried again", **fields})
        assert (answer.status, answer.error["code"]) == (status, code)
    assert fight(player, broker).status == 200
    assert fight(player, broker).error["code"] == "no energy"
    player("POST", "/api/brokers/starter", {})
    database.brokers.update_many({}, {"$set": {"energy": 100}})
    cooling = fight(player, broker)
    assert (cooling.status, cooling.error["code"]) == (429, "cooldown")
    assert "retry-after" not in cooling.headers


def test_every_wrong_field_is_named(player: Caller) -> None:
    wrong = {"brokerId": 5, "arena": "a" * 51, "league": ["x"], "autoClaim": "maybe"}
    answer = player("POST", "/api/battle/run", wrong)
    assert answer.status == 400
    assert answer.json["error"] == {
        "code": "validation_error",
        "message": "validation_error",
        "details": {
            "requestId": "required",
            "brokerId": "objectId",
            "arena": "maxLength:50",
            "league": "string",
            "autoClaim": "boolean",
        },
    }


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"a":', 400, "invalid_json"),
        (b"\xff", 400, "invalid_json"),
        ('"text"', 400, "invalid_json"),
        (b'{"a":"' + b"x" * 1024 * 1024 + b'"}', 413, "payload_too_large"),
    ],
)
def test_malformed_and_oversize_bodies(player: Caller, body: object, status: int, code: str) -> None:
    answer = player("POST", "/api/battle/run", body)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.json["ok"] is False


def test_sign_in_is_refused_with_the_games_details(api: Chalice) -> None:
    def refused(**headers: str) -> tuple[int, str, object]:
        answer = call(api, "GET", "/api/economy/me", headers={k.replace("_", "-"): v for k, v in headers.items()})
        return answer.status, answer.error["code"], answer.error.get("details")

    failed = "telegram auth failed"
    assert refused() == (401, failed, "missing initData or botToken")
    assert refused(x_telegram_id="777") == (401, failed, "missing initData or botToken")
    assert refused(x_telegram_init_data="user=%7B%7D") == (401, failed, "missing hash")
    assert refused(x_telegram_init_data=init_data(token="1:other")) == (401, failed, "hash mismatch")
    assert refused(x_telegram_init_data=init_data(age_seconds=901)) == (401, "telegram auth expired", None)
    assert refused(x_telegram_init_data=init_data(None)) == (401, "telegram auth missing user id", None)
    fresh = call(api, "GET", "/api/economy/me", headers={"x-telegram-init-data": init_data(age_seconds=899)})
    assert fresh.status == 200


def test_sign_in_by_the_body_works_too(api: Chalice) -> None:
    answer = call(api, "POST", "/api/brokers/starter", {"initData": init_data(5)})
    assert (answer.status, answer.data["ownerTelegramId"]) == (201, "5")


def test_the_profile_follows_telegram(player: Caller, database: Database[dict[str, Any]], clock: ManualClock) -> None:
    player("GET", "/api/economy/me")
    stored = database.users.find_one({"telegramId": "777"})
    assert stored is not None
    assert stored["telegram"]["firstName"] == "A"
    clock.advance(301)
    player("GET", "/api/economy/me")
    later = database.users.find_one({"telegramId": "777"})
    assert later is not None
    assert (later["lastSeenAt"] - stored["lastSeenAt"].replace(tzinfo=UTC)).total_seconds() == 301


@pytest.mark.parametrize(("method", "path"), [("GET", "/nope"), ("POST", "/api/battle/nope/x"), ("GET", "/")])
def test_unknown_routes_answer_in_the_envelope(api: Chalice, method: str, path: str) -> None:
    answer = call(api, method, path)
    assert (answer.status, answer.error["code"]) == (404, "not_found")


def test_what_chalice_would_refuse_itself_is_in_the_envelope_too(api: Chalice) -> None:
    for context in ({}, {"resourcePath": "/unheard-of", "httpMethod": "GET"}):
        event: dict[str, Any] = {"requestContext": context, "headers": {}, "multiValueQueryStringParameters": None}
        event |= {"pathParameters": None, "body": None, "stageVariables": None, "isBase64Encoded": False}
        answer = api(event, None)
        assert answer["statusCode"] == 404
        assert json.loads(answer["body"])["error"]["code"] == "not_found"
    assert call(api, "DELETE", "/api/battle/run").status == 404


def test_preflight_and_reflected_origin(api: Chalice) -> None:
    headers = {"origin": "https://t.test", "access-control-request-headers": "x-telegram-init-data"}
    answer = call(api, "OPTIONS", "/api/battle/run", headers=headers)
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["access-control-allow-origin"] == "https://t.test"
    assert answer.headers["access-control-allow-headers"] == "x-telegram-init-data"
    assert answer.headers["access-control-allow-credentials"] == "true"


def test_any_content_type_is_read_as_json(api: Chalice) -> None:
    headers = {"content-type": "text/plain", "x-telegram-init-data": init_data()}
    assert call(api, "POST", "/api/brokers/starter", {}, headers).status == 201


def test_game_modes_realms_and_comms(player: Caller, database: Database[dict[str, Any]]) -> None:
    modes = player("GET", "/api/game-modes").data
    assert [mode["key"] for mode in modes][:4] == ["arbitrage-elite", "arbitrage-pro", "arbitrage", "guildWars-elite"]
    assert len(modes) == 15
    assert [m["key"] for m in player("GET", "/api/game-modes?arena=prediction&league=pro").data] == ["prediction-pro"]
    assert player("GET", "/api/game-modes?arena=" + "a" * 51).error["details"] == {"arena": "maxLength:50"}
    database.realms.insert_one({"key": "ai", "name": "AI", "level": 1, "order": 1, "active": True})
    assert [realm["key"] for realm in player("GET", "/api/realms").data["realms"]] == ["ai"]
    assert player("GET", "/api/realms/ai").data["realm"]["name"] == "AI"
    missing = player("GET", "/api/realms/none")
    assert (missing.status, missing.error["code"]) == (404, "Realm not found")
    assert player("GET", "/api/comms/status").data == {"status": "operational", "updatedAt": "2026-11-23T12:00:00.000Z"}
    assert player("GET", "/api/comms/config").data == {"supportLink": None, "supportTelegramGroup": None}


def test_broker_actions(player: Caller, database: Database[dict[str, Any]]) -> None:
    broker, other = start(player), start(player)
    poor = player("POST", "/api/brokers/train", {"brokerId": broker, "stat": "speed"})
    assert (poor.status, poor.error["code"]) == (403, "insufficient NEUR")
    database.users.update_one({"telegramId": "777"}, {"$set": {"neurBalance": 1000, "aibaBalance": 1000}})
    body = {"brokerId": broker, "stat": "speed", "requestId": "act:1"}
    trained = player("POST", "/api/brokers/train", body)
    assert (trained.status, trained.json["requestId"], trained.json["neurBalance"]) == (200, "act:1", 975)
    assert (trained.json["broker"]["speed"], trained.json["broker"]["xp"]) == (51, 5)
    assert player("POST", "/api/brokers/train", body).json == trained.json
    by_header = player("POST", "/api/brokers/repair", {"brokerId": broker}, **{"x-request-id": "act-2"})
    assert (by_header.json["requestId"], by_header.json["broker"]["energy"]) == ("act-2", 100)
    upgraded = player("POST", "/api/brokers/upgrade", {"brokerId": broker, "stat": "risk"})
    assert (upgraded.json["aibaBalance"], upgraded.json["broker"]["level"]) == (950, 2)
    combined = player("POST", "/api/brokers/combine", {"baseBrokerId": broker, "sacrificeBrokerId": other})
    assert (combined.status, combined.json["broker"]["speed"]) == (200, 51)
    assert [one["_id"] for one in player("GET", "/api/brokers/mine").data] == [broker]
    no_stat = player("POST", "/api/brokers/train", {"brokerId": broker})
    assert (no_stat.status, no_stat.error["code"]) == (400, "invalid stat")


def test_school(player: Caller) -> None:
    assert player("PATCH", "/api/economy/me", {}).error["code"] == "no valid fields to update"
    assert player("PATCH", "/api/economy/me", {"schoolId": SOME_ID}).json["schoolId"] == SOME_ID
    assert player("GET", "/api/economy/me").data["schoolId"] == SOME_ID
    assert player("PATCH", "/api/economy/me", {"schoolId": "none"}).json["schoolId"] is None
    assert player("PATCH", "/api/economy/me", {"schoolId": ""}).status == 400


def test_deep_bodies_and_huge_numbers_are_no_server_errors(player: Caller) -> None:
    deep = '{"z":' + "[" * 480 + '"\\ud800"' + "]" * 480 + "}"
    assert player("POST", "/api/battle/run", deep).error["code"] == "validation_error"
    huge = '{"requestId":' + "9" * 400 + ',"brokerId":"' + SOME_ID + '"}'
    assert player("POST", "/api/battle/run", huge).error["code"] == "broker not found"
    surrogate = player("POST", "/api/battle/run", '{"requestId":"\\ud800","brokerId":"' + SOME_ID + '"}')
    assert surrogate.error["code"] == "broker not found"


def test_an_unfit_action_id_is_passed_over(player: Caller, database: Database[dict[str, Any]]) -> None:
    broker = start(player)
    database.users.update_one({"telegramId": "777"}, {"$set": {"neurBalance": 1000}})
    unfits: tuple[object, ...] = (["x"], {}, "two words", "x" * 129)
    for unfit in unfits:
        body = {"brokerId": broker, "stat": "risk", "requestId": unfit}
        by_header = player("POST", "/api/brokers/train", body, **{"x-request-id": f"fit-{len(str(unfit))}"})
        assert by_header.json["requestId"] == f"fit-{len(str(unfit))}"
    fresh = player("POST", "/api/brokers/train", {"brokerId": broker, "stat": "risk"}, **{"x-request-id": "not fit"})
    assert uuid.UUID(fresh.json["requestId"]).version == 4


def test_without_its_secret_the_service_still_answers_in_the_envelope(api: Chalice) -> None:
    def away(_: str) -> dict[str, str]:
        raise ConnectionError("secrets manager is away")

    wiring.install(wiring.Wiring({"ARENA_SECRET_ID": "x"}, away))
    assert call(api, "GET", "/health").json["ok"] is True
    for method, path in (("GET", "/api/realms"), ("GET", "/nope"), ("POST", "/api/battle/run")):
        answer = call(api, method, path)
        assert (answer.status, answer.error["code"]) == (503, "secrets_unavailable")
        assert answer.headers["retry-after"]
    assert call(api, "OPTIONS", "/api/realms", headers={"origin": "https://t.test"}).status == 204


def test_wrong_settings_are_named_in_the_log_and_not_to_the_client(api: Chalice) -> None:
    wiring.install(wiring.Wiring({"APP_ENV": "dev"}))
    answer = call(api, "GET", "/api/realms")
    assert (answer.status, answer.error["code"]) == (500, "misconfigured")
    assert "MONGO_URI" not in answer.text
