"""Rate limits as a client meets them: the order of refusals, headers of every answer, who is counted as whom."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from pymongo.database import Database

import app as composition
from chalicelib.clock import ManualClock
from tests.gateway import Answer, call
from tests.installed import OPERATOR, QueueingArena, init_data, installed_arena
from tests.localstack.running import eventually
from tests.worlds import NOON

NOBODY_LISTENS: Final = "redis://127.0.0.1:1"
RUN: Final = "/api/battle/run"
GLOBAL_POLICY: Final = '"global";q=600;w=60'
RATE_HEADERS: Final = (
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    *("ratelimit", "ratelimit-policy"),
)
AT: Final = int(NOON.timestamp())
PLAYER: Final = 7_312_345_678_901
"""So long that no moment or thread a log names has these digits by chance."""

Send = Callable[..., Answer]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


Enter = Callable[..., QueueingArena]


@pytest.fixture
def enter(mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock) -> Iterator[Enter]:
    """Puts an arena with limits behind the app; keywords are settings."""
    entered = []

    def enter_with(**environ: str) -> QueueingArena:
        block = installed_arena(mongo_uri, database, clock, ARENA_RATE_LIMITS="on", **environ)
        entered.append(block)
        return block.__enter__()

    yield enter_with
    for block in entered:
        block.__exit__(None, None, None)


@pytest.fixture
def send(enter: Enter, clock: ManualClock) -> Send:
    enter()
    return sender(clock)


def sender(clock: ManualClock) -> Send:
    def as_player(method: str, url: str, body: object = None, user: int | None = 777, **more: Any) -> Answer:
        signed = {} if user is None else {"x-telegram-init-data": init_data(user, clock())}
        return call(composition.app, method, url, body, {**signed, **more.pop("headers", {})}, **more)

    return as_player


def told(answer: Answer) -> tuple[int, int, int]:
    return (
        int(answer.headers["x-ratelimit-limit"]),
        int(answer.headers["x-ratelimit-remaining"]),
        int(answer.headers["x-ratelimit-reset"]) - AT,
    )


def test_every_answer_of_a_limited_route_tells_what_is_left(send: Send) -> None:
    answer = send("GET", "/api/economy/me")
    assert (answer.status, told(answer)) == (200, (51, 50, 1))
    assert answer.headers["ratelimit-policy"] == f'{GLOBAL_POLICY}, "api";q=51;w=3'
    assert answer.headers["ratelimit"] == '"global";r=599;t=1, "api";r=50;t=1'
    assert "x-ratelimit-degraded" not in answer.headers
    refused = [
        send("GET", "/api/economy/me", user=None),
        send("GET", "/no/such/path"),
        send("GET", "/api/leaderboard?limit=0"),
        send("POST", "/api/guilds/create", b"{"),
        send("GET", "/api/admin/game-modes"),
    ]
    assert [one.status for one in refused] == [401, 404, 400, 400, 401]
    assert [told(one)[1] for one in refused] == [49, 48, 47, 46, 45]


@pytest.mark.parametrize(
    ("method", "url"), [("GET", "/health"), ("GET", "/health/ready"), ("GET", "/metrics"), ("OPTIONS", RUN)]
)
def test_probes_scrapes_and_preflights_are_not_limited(send: Send, method: str, url: str) -> None:
    # The first look at readiness has a second to connect in, which a busy machine may not keep to.
    eventually(lambda: send("GET", "/health/ready", user=None).status == 200)
    answers = [send(method, url, user=None) for _ in range(60)]
    assert {answer.status for answer in answers} <= {200, 204}
    assert not any(name in answer.headers for answer in answers for name in RATE_HEADERS)


def test_an_address_is_refused_before_anything_else_is_looked_at(send: Send) -> None:
    answers = [send("POST", RUN, b"{", user=None) for _ in range(12)]
    assert [answer.status for answer in answers] == [400] * 11 + [429]
    refused = answers[-1]
    assert refused.error == {
        "code": "rate_limited",
        "message": "rate_limited",
        "details": {"limit": "battle", "retryAfterMs": 200},
    }
    assert refused.headers["retry-after"] == "1"
    assert told(refused) == (11, 0, 3)
    # Refused by one limit, nothing is spent of the other.
    assert refused.headers["ratelimit"] == '"global";r=589;t=1, "battle";r=0;t=1'
    assert send("GET", "/api/game-modes").status == 200


def test_time_gives_back_what_was_spent(send: Send, clock: ManualClock) -> None:
    for _ in range(11):
        send("POST", RUN, {}, user=None)
    clock.advance(0.199)
    assert send("POST", RUN, {}, user=None).status == 429
    clock.advance(0.001)
    assert send("POST", RUN, {}, user=None).status == 401


def battle(send: Send, number: int, path: str = "run", user: int = 777, body: object = None) -> Answer:
    """From an address of its own."""
    address = f"203.0.113.{number}"
    return send("POST", f"/api/battle/{path}", {} if body is None else body, user, address=address)


def test_a_player_s_battles_are_limited_wherever_they_come_from(send: Send) -> None:
    """After sign-in and before the fields, as in the game; running and queueing share one limit."""
    answers = [battle(send, number, "queue" if number % 2 else "run") for number in range(26)]
    assert [answer.status for answer in answers] == [400] * 25 + [429]
    assert [told(answer)[:2] for answer in answers[:3]] == [(25, 24), (25, 23), (25, 22)]
    refused = answers[-1]
    assert refused.error["details"] == {"limit": "player-battles", "retryAfterMs": 2400}
    assert (refused.headers["retry-after"], told(refused)) == ("3", (25, 0, 60))
    assert refused.headers["ratelimit-policy"].split(", ")[2] == '"player-battles";q=25;w=60'
    assert refused.headers["ratelimit"].split(", ")[2] == '"player-battles";r=0;t=3'
    assert battle(send, 30, user=888).status == 400
    # Nobody's battles are counted before it is known whose they are.
    assert send("POST", RUN, {}, None, address="203.0.113.40").status == 401


def test_asking_after_a_battle_is_not_fighting_one(send: Send) -> None:
    answers = [send("GET", "/api/battle/no-such-battle") for _ in range(51)]
    assert {answer.status for answer in answers} == {404}
    assert told(answers[-1])[:2] == (51, 0)


def test_operators_sign_in_is_limited_by_address(send: Send) -> None:
    wrong = {**OPERATOR, "password": "no"}
    answers = [send("POST", "/api/admin/auth/login", wrong, None) for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert answers[-1].error["details"]["limit"] == "operator-sign-in"
    assert answers[-1].headers["retry-after"] == "180"
    assert send("POST", "/api/admin/auth/login", OPERATOR, None, address="203.0.113.9").status == 200


def test_the_setting_bounds_all_routes_together(enter: Enter, clock: ManualClock) -> None:
    enter(RATE_LIMIT_PER_MINUTE="3")
    send = sender(clock)
    answers = [send("GET", "/api/game-modes"), send("POST", RUN, {}), send("GET", "/nope"), send("GET", "/api/realms")]
    assert [answer.status for answer in answers] == [200, 400, 404, 429]
    assert answers[-1].error["details"] == {"limit": "global", "retryAfterMs": 20_000}
    assert told(answers[-1]) == (3, 0, 60)


def test_without_limits_nothing_is_counted_or_told(enter: Enter, clock: ManualClock) -> None:
    enter().__dict__["rate_limits"] = None
    answers = [sender(clock)("GET", "/api/game-modes") for _ in range(60)]
    assert {answer.status for answer in answers} == {200}
    assert not any(name in answers[0].headers for name in RATE_HEADERS)


def test_only_a_trusted_proxy_s_word_makes_another_client(enter: Enter, clock: ManualClock) -> None:
    enter(ARENA_TRUSTED_PROXIES="127.0.0.0/8", RATE_LIMIT_PER_MINUTE="1")
    send = sender(clock)

    def status(forwarded_for: str, address: str = "127.0.0.1") -> int:
        return send("GET", "/api/game-modes", headers={"x-forwarded-for": forwarded_for}, address=address).status

    assert [status("198.18.0.1"), status("198.18.0.1"), status("198.18.0.2")] == [200, 429, 200]
    # What the client itself wrote stands further left.
    assert [status("198.18.0.3"), status("10.0.0.1, 198.18.0.3"), status("198.18.0.9, 198.18.0.3")] == [200, 429, 429]
    assert [status("198.18.0.5", "203.0.113.1"), status("198.18.0.6", "203.0.113.1")] == [200, 429]
    assert [status("2001:db8:1:2::1"), status("2001:db8:1:2:ffff::2"), status("2001:db8:1:3::1")] == [200, 429, 200]


def test_browsers_may_read_the_headers(send: Send) -> None:
    answer = send("GET", "/api/game-modes", headers={"origin": "https://t.test"})
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {*RATE_HEADERS, "x-ratelimit-degraded", "retry-after"} <= exposed


def test_without_its_redis_an_environment_counts_alone_and_says_so(enter: Enter, clock: ManualClock) -> None:
    enter(REDIS_URL=NOBODY_LISTENS, ARENA_TIER="staging")
    send = sender(clock)
    answers = [send("POST", RUN, {}, user=None) for _ in range(7)]
    # Half of 11 at once: there may be two environments.
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 2
    assert {answer.headers["x-ratelimit-degraded"] for answer in answers} == {"1"}
    assert told(answers[-1])[:2] == (11, 0)


def test_logs_name_the_limit_and_neither_address_nor_player(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for number in range(27):
        battle(send, number, user=PLAYER)
    for _ in range(12):
        send("POST", RUN, {}, address="198.51.100.77", user=None)
    records = [vars(record) for record in caplog.records]
    assert {one["limit"] for one in records if one["msg"] == "rate limited"} == {"player-battles", "battle"}
    said = str(records)
    assert "correlation_id" in said
    assert not any(personal in said for personal in ("198.51.100", "203.0.113", str(PLAYER)))
