"""WebSockets end to end in one process: a client, the gateway, the Chalice handlers, a real database."""

import contextlib
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest
from pymongo.database import Database
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as dial

from chalicelib import wiring
from chalicelib.arena.initdata import sign
from chalicelib.arena.live_push import LivePush, Pushed
from chalicelib.clock import ManualClock
from chalicelib.data.seed import seed_defaults
from chalicelib.entrypoints import wire
from chalicelib.entrypoints.websocket import connect, disconnect, message
from chalicelib.messaging.connections_api import ManagementApi
from chalicelib.settings import load
from localcloud.ports import free_ports
from localcloud.websocket.events import CONNECT, DISCONNECT, MESSAGE
from localcloud.websocket.functions import IntegrationError, LambdaFunctions
from localcloud.websocket.gateway import Limits
from tests.fakes.live_queue import MemoryLiveQueue
from tests.installed import Fixed
from tests.live_worlds import MemoryOutcomes
from tests.unit.test_settings import DEVELOPMENT, SECRETS
from tests.websockets import PATIENCE_SECONDS, REGION, DirectFunctions, client, hear, running_gateway, say
from tests.worlds import NOON

FOUGHT = {"status": "done", "battle": {"score": 7}}


def signed(user: int) -> str:
    fields = {"auth_date": str(int(NOON.timestamp())), "user": json.dumps({"id": user, "username": f"player {user}"})}
    return sign(fields, SECRETS["TELEGRAM_BOT_TOKEN"])


class PatientArena(wiring.Arena):
    """Waits for the gateway however busy the machine is: a connection it gave up on would hear nothing, or twice."""

    @cached_property
    def connections_api(self) -> ManagementApi:
        return ManagementApi(REGION, pytest.fail, budget_seconds=PATIENCE_SECONDS, read_seconds=PATIENCE_SECONDS)


@pytest.fixture
def functions() -> DirectFunctions:
    return DirectFunctions({CONNECT: connect, MESSAGE: message, DISCONNECT: disconnect}, [])


@pytest.fixture
def gateway(functions: DirectFunctions) -> Iterator[str]:
    with running_gateway(functions) as address:
        yield address


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def arena(
    mongo_uri: str,
    database: Database[dict[str, Any]],
    clock: ManualClock,
    gateway: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[wiring.Arena]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", REGION)
    seed_defaults(database, clock())
    environ = {
        **DEVELOPMENT,
        "MONGO_URI": mongo_uri,
        "MONGO_DATABASE": database.name,
        "REDIS_URL": "",
        "ARENA_WEBSOCKET_ENDPOINT": f"http://{gateway}/{REGION}",
    }
    arena = PatientArena(load(environ), clock=clock)
    wiring.install(Fixed(arena))
    yield arena
    wiring.install(None)
    arena.close()


@pytest.fixture
def url(gateway: str, arena: wiring.Arena) -> str:
    return f"ws://{gateway}/{REGION}"


def pushing(arena: wiring.Arena, outcomes: MemoryOutcomes) -> LivePush:
    return LivePush(
        arena.connections, outcomes, arena.live_boards, arena.connections_api, MemoryLiveQueue(), arena.clock
    )


def test_a_player_connects_pings_and_leaves(
    url: str, database: Database[dict[str, Any]], functions: DirectFunctions, clock: ManualClock
) -> None:
    with client(url, signed(777)) as socket:
        (stored,) = database.connections.find()
        assert (stored["telegramId"], stored["results"]) == ("777", True)
        assert stored["endpoint"].startswith("http://127.0.0.1:")
        assert say(socket, action="ping") == {
            "type": "pong",
            "now": "2026-11-23T12:00:00.000Z",
            "expiresAt": "2026-11-23T12:10:00.000Z",
        }
        assert say(socket, action="nonsense")["error"]["code"] == "unknown_action"
        socket.send(b"\x00\x01")
        assert hear(socket)["error"]["code"] == "invalid_json"
        assert say(socket, action="ping")["type"] == "pong"
    assert database.users.find_one({"telegramId": "777"}, {"username": 1})["username"] == "player 777"  # type: ignore[index]


def test_leaving_ends_the_connection(url: str, arena: wiring.Arena, functions: DirectFunctions) -> None:
    with running_gateway(functions) as address:
        leaving = client(f"ws://{address}/{REGION}", signed(777))
        with leaving as socket:
            say(socket, action="ping")
        # Leaving the block waits for the gateway, which has told the function by then.
    assert [route for route, _ in functions.events] == [CONNECT, MESSAGE, DISCONNECT]
    assert functions.events[-1][1]["requestContext"]["disconnectStatusCode"] == 1000
    assert arena.connections.of_player("777", arena.clock(), 10) == []


@pytest.mark.parametrize(
    ("init_data", "code"),
    [
        (None, "telegram auth failed"),
        ("user=1", "telegram auth failed"),
        (signed(777)[:-1] + "_", "telegram auth failed"),
        (sign({"auth_date": "1000000000", "user": '{"id":7}'}, SECRETS["TELEGRAM_BOT_TOKEN"]), "telegram auth expired"),
    ],
)
def test_whoever_has_not_signed_in_is_refused(
    url: str, database: Database[dict[str, Any]], init_data: str | None, code: str
) -> None:
    with pytest.raises(InvalidStatus) as refused, client(url, init_data):
        pass
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["error"]["code"] == code
    assert database.connections.count_documents({}) == 0


def test_the_header_signs_in_too(url: str, database: Database[dict[str, Any]]) -> None:
    with dial(url, additional_headers={"X-Telegram-Init-Data": signed(5)}) as socket:
        assert say(socket, action="ping")["type"] == "pong"
    assert database.connections.distinct("telegramId") == ["5"]


def test_while_live_results_are_off_the_handshake_says_so(
    arena: wiring.Arena, url: str, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    without = {**DEVELOPMENT, "MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": ""}
    other = wiring.Arena(load(without), clock=arena.clock)
    wiring.install(Fixed(other))
    with pytest.raises(InvalidStatus) as refused, client(url, signed(777)):
        pass
    other.close()
    assert refused.value.response.status_code == 503
    assert json.loads(refused.value.response.body)["error"]["code"] == "live_unavailable"
    assert refused.value.response.headers["Retry-After"] == "60"


def test_a_result_reaches_its_player_and_nobody_else(url: str, arena: wiring.Arena) -> None:
    with client(url, signed(777)) as mine, client(url, signed(888)) as other:
        push = pushing(arena, MemoryOutcomes({("777", "r1"): FOUGHT}))
        assert push.result("777", "r1", wire.dumps) == Pushed(delivered=1)
        assert hear(mine) == {"type": "battle.result", "requestId": "r1", **FOUGHT}
        # Messages keep their order: had anything been sent to this one, it would come before the pong.
        assert say(other, action="ping")["type"] == "pong"


def test_a_sixth_connection_closes_the_first(url: str, clock: ManualClock) -> None:
    with contextlib.ExitStack() as opened:
        sockets = []
        for _ in range(6):
            sockets.append(opened.enter_context(client(url, signed(777))))
            clock.advance(1)
        with pytest.raises(ConnectionClosed):
            sockets[0].recv(timeout=PATIENCE_SECONDS)
        assert [say(socket, action="ping")["type"] for socket in sockets[1:]] == ["pong"] * 5


def test_a_leaderboard_is_followed(url: str, arena: wiring.Arena, database: Database[dict[str, Any]]) -> None:
    with client(url, signed(777)) as socket:
        answer = say(socket, action="subscribe", channel="leaderboard", season="current")
        assert (answer["type"], answer["season"], answer["rows"]) == ("subscribed", "2026-11", [])
        sums = {"score": 9, "aiba": 1, "neur": 0, "battles": 1}
        database.users.update_one({"telegramId": "777"}, {"$set": {"seasons": {"2026-11": {"all": sums}}}})
        assert pushing(arena, MemoryOutcomes()).board("all", wire.dumps) == Pushed(delivered=1)
        told = hear(socket)
        assert (told["type"], told["board"], told["season"]) == ("leaderboard", "all", "2026-11")
        assert [(row["telegramId"], row["totalScore"]) for row in told["rows"]] == [("777", 9)]
        answer = say(socket, action="subscribe", channel="leaderboard", league="none")
        assert answer["error"]["code"] == "league not found"


def test_what_is_silent_too_long_is_closed_as_api_gateway_does(arena: wiring.Arena, functions: DirectFunctions) -> None:
    with running_gateway(functions, Limits(idle=0.2)) as address, client(f"ws://{address}/{REGION}", signed(7)) as idle:
        with pytest.raises(ConnectionClosed):
            idle.recv(timeout=PATIENCE_SECONDS)
        assert idle.close_code == 1001


def test_what_is_open_too_long_is_closed_however_busy(arena: wiring.Arena, functions: DirectFunctions) -> None:
    with running_gateway(functions, Limits(life=0.5)) as address, client(f"ws://{address}/{REGION}", signed(7)) as busy:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(10_000):
                say(busy, action="ping")
        assert busy.close_code == 1001


def test_a_function_that_fails_is_answered_for_as_api_gateway_does() -> None:
    class Failing:
        def invoke(self, region: str, route: str, event: Any) -> dict[str, Any]:
            if route == CONNECT and not event.get("queryStringParameters"):
                return {"statusCode": 200}
            raise IntegrationError("on purpose")

    with running_gateway(Failing()) as address:
        with client(f"ws://{address}/{REGION}") as socket:
            socket.send("{}")
            assert json.loads(socket.recv(timeout=PATIENCE_SECONDS))["message"] == "Internal server error"
        with pytest.raises(InvalidStatus) as refused, client(f"ws://{address}/{REGION}", "x"):
            pass
        assert refused.value.response.status_code == 502
        with pytest.raises(InvalidStatus) as refused, client(f"ws://{address}/mars-north-1"):
            pass
        assert refused.value.response.status_code == 403


def test_before_the_functions_are_deployed_the_handshake_is_refused() -> None:
    nobody = LambdaFunctions(f"http://127.0.0.1:{free_ports(1)[0]}", "some-stack")
    with running_gateway(nobody) as address:
        with pytest.raises(InvalidStatus) as refused, client(f"ws://{address}/{REGION}", "x"):
            pass
        assert refused.value.response.status_code == 502


def test_no_handler_logs_the_sign_in(
    url: str, arena: wiring.Arena, functions: DirectFunctions, caplog: pytest.LogCaptureFixture
) -> None:
    # So long that no moment or thread a log names has these digits by chance.
    player = 7_312_345_678_901
    init_data = signed(player)
    with client(url, init_data) as socket:
        say(socket, action="ping")
    with pytest.raises(InvalidStatus), client(url, init_data + "x"):
        pass
    logged = "".join(str(vars(record)) for record in caplog.records)
    assert "'websocket': 'connect'" in logged
    assert "hash" not in logged
    assert str(player) not in logged
