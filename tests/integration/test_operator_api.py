"""Operator routes over HTTP: who gets in, what is refused in which words, and what players then see."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from chalice.app import Chalice
from pymongo.database import Database

from chalicelib import wiring
from chalicelib.arena.economy_config import DEFAULTS
from chalicelib.clock import ManualClock
from chalicelib.entrypoints.operator_fields import ECONOMY
from chalicelib.entrypoints.wire import iso_millis
from chalicelib.settings import load
from tests.gateway import Answer, call
from tests.http_arena import SOME_ID, Caller, fight, start
from tests.installed import Fixed
from tests.unit.test_settings import DEVELOPMENT, SECRETS

LOGIN = "/api/admin/auth/login"
MODES = "/api/admin/game-modes"
CONFIG = "/api/admin/economy/config"
LEDGER = "/api/admin/economy/ledger"
ACTIONS = "/api/admin/actions"
LAMBDA_ANSWER_MAX = 6 * 1024 * 1024
CREDENTIALS = {"email": SECRETS["ADMIN_EMAIL"], "password": "x"}
GUARDED = (
    ("GET", MODES),
    ("POST", MODES),
    ("PATCH", f"{MODES}/{SOME_ID}"),
    ("DELETE", f"{MODES}/{SOME_ID}"),
    ("GET", CONFIG),
    ("PATCH", CONFIG),
    ("GET", LEDGER),
    ("GET", ACTIONS),
)


@pytest.fixture
def operator(api: Chalice) -> Callable[..., Answer]:
    token = call(api, "POST", LOGIN, CREDENTIALS).data["token"]

    def as_operator(method: str, url: str, body: object = None) -> Answer:
        return call(api, method, url, body, {"authorization": f"Bearer {token}"})

    return as_operator


@pytest.fixture
def closed(arena: wiring.Arena, mongo_uri: str, database: Database[dict[str, Any]]) -> Iterator[None]:
    """An arena without an operator in place of the usual one."""
    environ = {key: value for key, value in DEVELOPMENT.items() if not key.startswith("ADMIN_")}
    environ |= {"MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": ""}
    without = wiring.Arena(load(environ), clock=arena.clock)
    wiring.install(Fixed(without))
    yield
    without.close()


def test_the_token_is_good_in_either_header(api: Chalice) -> None:
    answer = call(api, "POST", LOGIN, CREDENTIALS)
    assert answer.status == 200
    assert set(answer.data) == {"token", "tokenType", "role", "expiresAt"}
    assert answer.data["expiresAt"] == "2026-11-24T00:00:00.000Z"
    token = answer.data["token"]
    for headers in (
        {"authorization": f"Bearer {token}"},
        {"authorization": f"bearer {token}"},
        {"x-admin-token": token},
    ):
        assert call(api, "GET", MODES, headers=headers).status == 200
    assert call(api, "GET", MODES, headers={"authorization": token}).error["code"] == "admin auth required"


def test_every_route_asks_for_the_token(api: Chalice, clock: ManualClock, player: Caller) -> None:
    """None, a player's sign-in, nonsense, an unsigned one, an expired one: 401 before anything else is looked at."""
    good = jwt.decode(
        call(api, "POST", LOGIN, CREDENTIALS).data["token"], options={"verify_signature": False, "verify_exp": False}
    )
    expired = call(api, "POST", LOGIN, CREDENTIALS).data["token"]
    clock.advance(12 * 3600)
    cases = [
        ({}, "admin auth required"),
        ({"authorization": "Bearer x.y.z"}, "admin auth failed"),
        ({"authorization": "Bearer " + jwt.encode(good, "", algorithm="none")}, "admin auth failed"),
        ({"authorization": "Bearer " + jwt.encode(good, "k" * 40, algorithm="HS256")}, "admin auth failed"),
        ({"x-admin-token": expired}, "admin auth expired"),
    ]
    for method, path in GUARDED:
        for headers, code in cases:
            answer = call(api, method, path, "{", headers)
            assert (answer.status, answer.error["code"]) == (401, code)
        assert player(method, path, {}).status == 401


@pytest.mark.usefixtures("closed")
def test_without_an_operator_the_routes_do_not_exist(api: Chalice) -> None:
    """As for any unknown route, token or not."""
    token = jwt.encode({"role": "superadmin"}, "k" * 40, algorithm="HS256")
    for method, path in (*GUARDED, ("POST", LOGIN)):
        answer = call(api, method, path, CREDENTIALS, {"x-admin-token": token})
        assert (answer.status, answer.json["error"]) == (404, {"code": "not_found", "message": "no such route"})


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("body", [{}, "garbage", b"\xff", None])
def test_without_an_operator_no_body_is_looked_at(api: Chalice, body: object) -> None:
    """What would be refused elsewhere gets the answer of an unknown path, to the letter."""
    headers = {"x-request-id": "same", "origin": "https://elsewhere.test"}
    for method, path in (*GUARDED, ("POST", LOGIN)):
        answer = call(api, method, path, body, headers)
        unknown = call(api, method, "/api/admin/nothing", body, headers)
        assert (answer.status, answer.json["error"]) == (unknown.status, unknown.json["error"])


def test_sign_in_is_limited_by_the_gateways_address(api: Chalice) -> None:
    """Eight tries at once: five are answered, three are told to wait; X-Forwarded-For changes nothing."""

    def attempt(number: int) -> Answer:
        forwarded = {"x-forwarded-for": f"203.0.113.{number}"}
        return call(api, "POST", LOGIN, {**CREDENTIALS, "password": "wrong"}, forwarded, address="192.0.2.7")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(attempt, range(8)))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 3
    limited = [answer for answer in answers if answer.status == 429]
    assert {answer.error["code"] for answer in limited} == {"rate_limited"}
    assert {answer.headers["retry-after"] for answer in limited} == {"900"}
    assert call(api, "POST", LOGIN, CREDENTIALS, address="192.0.2.8").status == 200


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 60), (60, 3600), (720, 43_200), (None, 43_200)])
def test_a_token_lives_as_long_as_was_asked_for(
    api: Chalice, clock: ManualClock, minutes: int | None, seconds: int
) -> None:
    answer = call(api, "POST", LOGIN, {**CREDENTIALS, "minutes": minutes}).data
    assert answer["expiresAt"] == iso_millis(clock() + timedelta(seconds=seconds))
    headers = {"x-admin-token": answer["token"]}
    clock.advance(seconds - 1)
    assert call(api, "GET", MODES, headers=headers).status == 200
    clock.advance(1)
    assert call(api, "GET", MODES, headers=headers).error["code"] == "admin auth expired"


@pytest.mark.parametrize(("minutes", "word"), [(0, "min:1"), (721, "max:720"), ("soon", "number")])
def test_a_token_never_lives_longer_than_half_a_day(api: Chalice, minutes: object, word: str) -> None:
    answer = call(api, "POST", LOGIN, {**CREDENTIALS, "minutes": minutes})
    assert (answer.status, answer.error["details"]) == (400, {"minutes": word})


def test_sign_in_names_missing_fields(api: Chalice) -> None:
    answer = call(api, "POST", LOGIN, {"password": 5})
    assert (answer.status, answer.error["details"]) == (400, {"email": "required", "password": "string"})


def test_a_mode_from_creation_to_deletion(operator: Caller, player: Caller) -> None:
    """Created, fought, changed, disabled, deleted and created again; players see each step at once."""
    created = operator("POST", MODES, {"key": "blitz", "name": " Blitz ", "arena": "blitz", "energyCost": "2.9"})
    assert (created.status, created.data["name"], created.data["energyCost"]) == (201, "Blitz", 2)
    path = f"{MODES}/{created.data['_id']}"
    assert [mode["key"] for mode in player("GET", "/api/game-modes?arena=blitz").data] == ["blitz"]
    broker = start(player)
    assert fight(player, broker, arena="blitz").data["modeKey"] == "blitz"

    rules = {"requiresGuild": True, "arenaWeights": {"speed": 1.5}, "leagueMultiplier": 0, "varianceBase": -5}
    changed = operator("PATCH", path, {"rules": rules, "description": "d"})
    assert (changed.data["rules"], changed.data["name"]) == (rules, "Blitz")
    assert fight(player, broker, arena="blitz").error["code"] == "guild required"
    assert operator("PATCH", path, {"enabled": "false", "description": None}).data["description"] == ""
    assert fight(player, broker, modeKey="blitz").error["code"] == "mode_disabled"
    assert [mode["key"] for mode in operator("GET", f"{MODES}?enabled=false").data] == ["blitz"]
    assert player("GET", "/api/game-modes?arena=blitz").data == []

    deleted = operator("DELETE", path)
    assert (deleted.status, deleted.data["deletedAt"]) == (200, "2026-11-23T12:00:00.000Z")
    assert fight(player, broker, modeKey="blitz").error["code"] == "invalid_mode"
    gone = operator("DELETE", path)
    assert (gone.status, gone.error["code"]) == (404, "game mode not found")
    again = operator("POST", MODES, {"key": "blitz", "name": "Blitz II", "arena": "blitz"})
    assert (again.status, "deletedAt" in again.data) == (201, False)
    assert player("GET", "/api/game-modes?arena=blitz").data[0]["name"] == "Blitz II"
    done = [row["action"] for row in operator("GET", ACTIONS).data]
    assert sorted(done) == sorted(
        ["game_mode.create"] * 2 + ["game_mode.change"] * 2 + ["game_mode.delete"],
    )


WRONG_MODES: tuple[tuple[object, object], ...] = (
    ({}, {"key": "required", "name": "required", "arena": "required"}),
    ({"key": "a.b"}, {"key": "pattern", "name": "required", "arena": "required"}),
    ({"key": "k", "name": "n", "arena": "a" * 51}, {"arena": "pattern"}),
    (
        {"key": "k", "name": "n" * 101, "arena": "a", "energyCost": -1},
        {"name": "maxLength:100", "energyCost": "min:0"},
    ),
    ({"key": "k", "name": "n", "arena": "a", "cooldownSeconds": 86401}, {"cooldownSeconds": "max:86400"}),
    ({"key": "k", "name": "n", "arena": "a", "rewardMultiplierAiba": "x"}, {"rewardMultiplierAiba": "number"}),
    ({"key": "k", "name": "n", "arena": "a", "rules": []}, {"rules": "object"}),
    (
        {"key": "k", "name": "n", "arena": "a", "enabled": "yes", "colour": 1},
        {"enabled": "boolean", "colour": "unknown"},
    ),
    (
        {
            **{"key": "k", "name": "n", "arena": "a"},
            "rules": {"luck": 1, "arenaWeights": {"speed": "fast", "wit": 1}, "minBrokerLevel": 0},
        },
        {
            "rules.luck": "unknown",
            "rules.arenaWeights.speed": "number",
            "rules.arenaWeights.wit": "unknown",
            "rules.minBrokerLevel": "min:1",
        },
    ),
)


def test_every_wrong_field_of_a_mode_is_named(operator: Caller) -> None:
    for fields, details in WRONG_MODES:
        answer = operator("POST", MODES, fields)
        assert (answer.status, answer.error["code"]) == (400, "validation_error")
        assert answer.error["details"] == details


def test_changes_of_modes_are_refused_in_words(operator: Caller) -> None:
    taken = operator("POST", MODES, {"key": "prediction", "name": "n", "arena": "a"})
    assert (taken.status, taken.error["code"]) == (409, "key already taken")
    path = f"{MODES}/{operator('GET', MODES).data[0]['_id']}"
    cases = [
        (path, {}, "no valid fields to update", None),
        (path, {"name": None, "arena": ""}, "validation_error", {"name": "required", "arena": "required"}),
        (path, {"key": "other"}, "validation_error", {"key": "unknown"}),
        (f"{MODES}/x", {"name": "n"}, "validation_error", {"id": "objectId"}),
    ]
    for url, body, code, details in cases:
        answer = operator("PATCH", url, body)
        assert (answer.status, answer.error["code"], answer.error.get("details")) == (400, code, details)
    assert operator("DELETE", f"{MODES}/x").error["details"] == {"id": "objectId"}
    missing = operator("PATCH", f"{MODES}/{SOME_ID}", {"name": "n"})
    assert (missing.status, missing.error["code"]) == (404, "game mode not found")


def test_settings_change_what_players_get(operator: Caller, player: Caller, database: Database[dict[str, Any]]) -> None:
    """In force with the next request; null puts the default back; a missing document is begun with defaults."""
    database.economyconfigs.delete_many({})
    assert operator("GET", CONFIG).data == DEFAULTS
    changes = {"supportLink": "https://help.test", "baseRewardAibaPerScore": 0.5, "emissionWindows": {"*": {}}}
    changed = operator("PATCH", CONFIG, changes)
    assert (changed.status, changed.data) == (200, {**DEFAULTS, **changes})
    assert database.economyconfigs.count_documents({}) == 1
    assert player("GET", "/api/comms/config").data["supportLink"] == "https://help.test"
    battle = fight(player, start(player)).data
    assert battle["rewardAiba"] == battle["score"] // 2
    reset = operator("PATCH", CONFIG, {"supportLink": None, "baseRewardAibaPerScore": "", "emissionWindows": None})
    assert reset.data == DEFAULTS
    assert operator("PATCH", CONFIG, {}).error["code"] == "no valid fields to update"


def test_every_setting_can_be_written_as_it_is_by_default(operator: Caller) -> None:
    """No setting is forgotten, and no default is outside its own range."""
    assert set(ECONOMY) == set(DEFAULTS)
    answer = operator("PATCH", CONFIG, {name: value for name, value in DEFAULTS.items() if value != ""})
    assert (answer.status, answer.data) == (200, DEFAULTS)


WRONG_SETTINGS: tuple[tuple[object, object], ...] = (
    ({"dailyCapAiba": -1, "dailyCapNeur": 2**53}, {"dailyCapAiba": "min:0", "dailyCapNeur": f"max:{2**53 - 1}"}),
    (
        {"dailyCapAibaByArena": {"a.b": 1, "c": "x"}},
        {"dailyCapAibaByArena.a.b": "pattern", "dailyCapAibaByArena.c": "number"},
    ),
    (
        {"emissionStartHourUtc": 25, "seasonLength": "year"},
        {"emissionStartHourUtc": "max:24", "seasonLength": "enum"},
    ),
    (
        {"emissionWindows": {"a:b:c": {}, "a": {"startHourUtc": 25, "from": 1}, "b": 7}},
        {
            "emissionWindows.a:b:c": "pattern",
            "emissionWindows.a.startHourUtc": "max:24",
            "emissionWindows.a.from": "unknown",
            "emissionWindows.b": "object",
        },
    ),
    ({"dailyCapAIBA": 5, "trainNeurCost": 0}, {"dailyCapAIBA": "unknown", "trainNeurCost": "min:1"}),
    ({"streakCapMultiplier": True}, {"streakCapMultiplier": "number"}),
)


def test_every_wrong_setting_is_named(operator: Caller) -> None:
    for fields, details in WRONG_SETTINGS:
        answer = operator("PATCH", CONFIG, fields)
        assert (answer.status, answer.error["code"], answer.error["details"]) == (400, "validation_error", details)
    assert operator("GET", CONFIG).data == DEFAULTS


def test_the_ledger_of_one_and_of_all(operator: Caller, player: Caller, clock: ManualClock) -> None:
    """Newest first, rows complete, the limit within 1..500."""
    fight(player, start(player))
    clock.advance(1)
    fight(player, start(player, 888), 888)
    assert {row["telegramId"] for row in operator("GET", LEDGER).data} == {"777", "888"}
    assert operator("GET", LEDGER).data[0]["telegramId"] == "888"
    rows = operator("GET", f"{LEDGER}?telegramId=777").data
    assert {row["reason"] for row in rows} == {"battle_reward", "first_win"}
    assert set(rows[0]) == {
        *("_id", "telegramId", "currency", "direction", "amount", "reason", "arena", "league", "sourceType"),
        *("sourceId", "requestId", "battleId", "applied", "meta", "createdAt", "updatedAt", "__v"),
    }
    assert len(operator("GET", f"{LEDGER}?limit=1").data) == 1
    assert operator("GET", f"{LEDGER}?limit=0").error["details"] == {"limit": "min:1"}
    assert operator("GET", f"{LEDGER}?limit=501").error["details"] == {"limit": "max:500"}


def test_the_widest_actions_fit_into_an_answer(operator: Caller) -> None:
    """The largest settings operators can store, before and after, as often as one answer may tell of them."""
    caps = {f"{number:050}": 2**53 - 1 for number in range(200)}
    windows = {f"{name}:{name}": {"startHourUtc": 24, "endHourUtc": 24} for name in caps}
    widest = {"dailyCapAibaByArena": caps, "dailyCapNeurByArena": caps, "emissionWindows": windows}
    for _ in range(26):
        assert operator("PATCH", CONFIG, {**widest, "supportLink": "\\" * 500}).status == 200
    answer = operator("GET", f"{ACTIONS}?limit=25")
    assert len(answer.data) == len(operator("GET", ACTIONS).data) == 25
    # Lambda's answer holds the body as text, in which every quote is escaped once more.
    assert len(json.dumps(answer.text)) < LAMBDA_ANSWER_MAX
    assert operator("GET", f"{ACTIONS}?limit=26").error["details"] == {"limit": "max:25"}


def test_the_list_of_modes_is_bounded(operator: Caller, database: Database[dict[str, Any]]) -> None:
    mode = {"name": "n", "arena": "zz", "league": "rookie", "enabled": False}
    database.gamemodes.insert_many([{**mode, "key": f"zz-{number}"} for number in range(1000)])
    assert len(operator("GET", MODES).data) == 1000
