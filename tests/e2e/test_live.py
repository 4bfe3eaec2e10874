"""Live results on the local cloud: signed clients, the deployed functions, SQS, the gateway."""

import json
import random
import re
import uuid
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import pytest
from websockets.sync.client import ClientConnection

from chalicelib.arena.seasons import MONTH, season_at
from chalicelib.clock import system_clock
from tests.e2e.client import ask
from tests.e2e.conftest import Cloud
from tests.e2e.sockets import PUSHED_SECONDS, connected, refusal, say
from tests.websockets import hear

REGION = "us-east-1"
CHANGES_MAX = 4
BOARD_SECONDS = 75
"""A push of a board that was not announced is made up for by the upkeep of the minute."""


def address(cloud: Cloud, region: str = REGION) -> str:
    return str(cloud.status["regions"][region]["websocket"])


def init_data(cloud: Cloud, user: int) -> str:
    return cloud.sign_in(user)["X-Telegram-Init-Data"]


def some_user() -> int:
    return random.randrange(10**9, 2**40)


def queue_battle(cloud: Cloud, user: int) -> str:
    """The requestId of a battle that was put into the queue."""
    broker = ask("POST", f"{cloud.api()}/api/brokers/starter", {}, cloud.sign_in(user))
    assert broker.status == 201, broker.text
    request_id = str(uuid.uuid4())
    body = {"requestId": request_id, "brokerId": broker.json["data"]["_id"]}
    accepted = ask("POST", f"{cloud.api()}/api/battle/queue", body, cloud.sign_in(user))
    # 200 where the message of an attempt that seemed to fail was fought before the next one.
    assert accepted.status in (200, 202), accepted.text
    return request_id


def pushed_before_a_pong(socket: ClientConnection) -> set[tuple[str, str]]:
    """Type and requestId of whatever came: messages keep their order."""
    pushed: list[Any] = []
    assert say(socket, action="ping", pushed=pushed)["type"] == "pong"
    return {(one["type"], one["requestId"]) for one in pushed}


def test_a_queued_battle_s_result_reaches_its_player_and_nobody_else(cloud: Cloud) -> None:
    mine, other = some_user(), some_user()
    with (
        connected(address(cloud), init_data(cloud, mine)) as a,
        connected(address(cloud), init_data(cloud, other)) as b,
    ):
        request_id = queue_battle(cloud, mine)
        result = hear(a, seconds=PUSHED_SECONDS)
        assert (result["type"], result["requestId"], result["status"]) == ("battle.result", request_id, "done")
        read = ask("GET", f"{cloud.api()}/api/battle/{request_id}", headers=cloud.sign_in(mine)).json["data"]
        assert result["battle"] == read["battle"]
        # The other player's own battle comes next: nothing of the first one was sent here before it.
        own = queue_battle(cloud, other)
        assert hear(b, seconds=PUSHED_SECONDS)["requestId"] == own
        # And nothing of that one there. A player's own result may come twice.
        assert pushed_before_a_pong(a) <= {("battle.result", request_id)}
        assert pushed_before_a_pong(b) <= {("battle.result", own)}


def test_a_refused_battle_is_told_too(cloud: Cloud) -> None:
    user = some_user()
    with connected(address(cloud), init_data(cloud, user)) as socket:
        body = {"requestId": str(uuid.uuid4()), "brokerId": "0123456789abcdef01234567"}
        accepted = ask("POST", f"{cloud.api()}/api/battle/queue", body, cloud.sign_in(user))
        assert accepted.status == 202, accepted.text
        result = hear(socket, seconds=PUSHED_SECONDS)
        assert (result["type"], result["requestId"], result["status"]) == (
            "battle.result",
            body["requestId"],
            "refused",
        )
        assert result["error"]["code"] == "broker not found"


@pytest.mark.parametrize("sent", [None, "user=1", "auth_date=1&user=%7B%22id%22%3A7%7D&hash=00"])
def test_a_client_that_has_not_signed_in_is_refused(cloud: Cloud, sent: str | None) -> None:
    refused = refusal(address(cloud), sent)
    assert refused.status_code == 401
    assert json.loads(refused.body or b"")["error"]["code"] == "telegram auth failed"


def test_pings_and_mistakes_in_another_region(cloud: Cloud) -> None:
    region = "eu-west-1"
    with connected(address(cloud, region), init_data(cloud, some_user())) as socket:
        assert say(socket, action="ping")["type"] == "pong"
        assert say(socket, "this is not JSON")["error"]["code"] == "invalid_json"
        assert say(socket, action="dance")["error"]["code"] == "unknown_action"
        assert say(socket, action="subscribe", channel="leaderboard", league="none")["error"]["code"]
        assert say(socket, action="ping")["type"] == "pong"


def test_followers_of_a_leaderboard_hear_of_a_change(cloud: Cloud) -> None:
    watcher, fighter = some_user(), some_user()
    with connected(address(cloud), init_data(cloud, watcher)) as socket:
        answer = say(socket, action="subscribe", channel="leaderboard", season="current")
        assert answer["type"] == "subscribed"
        # Enough to be among the first, whoever else has fought here.
        sums: dict[str, Any] = {"score": 10**9, "aiba": 0, "neur": 0, "battles": 1}
        ask("GET", f"{cloud.api()}/api/economy/me", headers=cloud.sign_in(fighter))
        cloud.database().users.update_one(
            {"telegramId": str(fighter)}, {"$set": {"seasons": {answer["season"]: {"all": sums}}}}
        )
        told = change_told(cloud, socket, fighter)
        # A month may begin meanwhile.
        seasons = {answer["season"], season_at(system_clock(), MONTH).id}
        assert (told["board"], told["season"] in seasons) == ("all", True)
        assert len(told["rows"]) <= 10


def change_told(cloud: Cloud, socket: ClientConnection, fighter: int) -> Any:
    """The standing with the fighter in it. Others change the board too, and a push may be lost: the next one tells."""
    for _ in range(CHANGES_MAX):
        request_id = queue_battle(cloud, fighter)
        with suppress(TimeoutError):
            told = hear(socket, of_type="leaderboard", seconds=BOARD_SECONDS)
            while str(fighter) not in [row["telegramId"] for row in told["rows"]]:
                told = hear(socket, of_type="leaderboard", seconds=BOARD_SECONDS)
            battle = ask("GET", f"{cloud.api()}/api/battle/{request_id}", headers=cloud.sign_in(fighter))
            assert battle.status == 200
            return told
    raise AssertionError(f"{CHANGES_MAX} changes, and none was told")


def test_the_command_prints_what_arrives(cloud: Cloud) -> None:
    run = cloud.patiently("live", "--user", str(some_user()), "--leaderboard", "--count", "1")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    # A change that another test made just then may come before the answer.
    assert told["type"] in ("subscribed", "leaderboard")
    assert (told["board"], told["season"]) == ("all", None)
    assert "initData" not in run.stdout + run.stderr
    refused = cloud.patiently("live", "--user", "5", "--bot-token", "1:wrong", "--url", address(cloud))
    assert refused.returncode == 1
    assert "telegram auth failed" in refused.stderr


def test_nothing_logs_a_sign_in(cloud: Cloud) -> None:
    signed = init_data(cloud, some_user())
    # However often an address is encoded, these 64 digits stay as they are.
    (signature,) = parse_qs(signed)["hash"]
    assert re.fullmatch("[0-9a-f]{64}", signature)
    with connected(address(cloud), signed) as socket:
        say(socket, action="ping")
    assert refusal(address(cloud), signed + "&user=2").status_code == 401
    logs = [path for path in (cloud.state_dir / "logs").rglob("*") if path.is_file()]
    assert {"localstack.log", "websocket.log"} <= {path.name for path in logs}
    assert any("functions" in path.parts for path in logs)
    assert cloud.logs_with(signature) == []
