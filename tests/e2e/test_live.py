"""Live results on the local cloud: signed clients, the deployed functions, SQS, the gateway."""

import json
import random
import re
import uuid
from typing import Any
from urllib.parse import parse_qs

import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.client import ask
from tests.e2e.conftest import Cloud
from tests.websockets import client, hear, say

REGION = "us-east-1"


def address(cloud: Cloud, region: str = REGION) -> str:
    return str(cloud.status["regions"][region]["websocket"])


def init_data(cloud: Cloud, user: int) -> str:
    return cloud.sign_in(user)["X-Telegram-Init-Data"]


def some_user() -> int:
    return random.randrange(10**9, 2**40)


def queue_battle(cloud: Cloud, user: int) -> str:
    """The requestId of a battle that now waits in the queue."""
    broker = ask("POST", f"{cloud.api()}/api/brokers/starter", {}, cloud.sign_in(user))
    assert broker.status == 201, broker.text
    request_id = str(uuid.uuid4())
    body = {"requestId": request_id, "brokerId": broker.json["data"]["_id"]}
    accepted = ask("POST", f"{cloud.api()}/api/battle/queue", body, cloud.sign_in(user))
    assert accepted.status == 202, accepted.text
    return request_id


def test_a_queued_battle_s_result_reaches_its_player_and_nobody_else(cloud: Cloud) -> None:
    mine, other = some_user(), some_user()
    with client(address(cloud), init_data(cloud, mine)) as a, client(address(cloud), init_data(cloud, other)) as b:
        request_id = queue_battle(cloud, mine)
        result = hear(a)
        assert (result["type"], result["requestId"], result["status"]) == ("battle.result", request_id, "done")
        read = ask("GET", f"{cloud.api()}/api/battle/{request_id}", headers=cloud.sign_in(mine)).json["data"]
        assert result["battle"] == read["battle"]
        # The other player's own battle comes next: nothing of the first one was sent here before it.
        own = queue_battle(cloud, other)
        assert hear(b)["requestId"] == own
        # And nothing of that one there: what is said in answer to a ping is the next thing heard.
        assert say(a, action="ping")["type"] == "pong"
        assert say(b, action="ping")["type"] == "pong"


def test_a_refused_battle_is_told_too(cloud: Cloud) -> None:
    user = some_user()
    with client(address(cloud), init_data(cloud, user)) as socket:
        body = {"requestId": str(uuid.uuid4()), "brokerId": "0123456789abcdef01234567"}
        accepted = ask("POST", f"{cloud.api()}/api/battle/queue", body, cloud.sign_in(user))
        assert accepted.status == 202, accepted.text
        result = hear(socket)
        assert (result["type"], result["requestId"], result["status"]) == (
            "battle.result",
            body["requestId"],
            "refused",
        )
        assert result["error"]["code"] == "broker not found"


@pytest.mark.parametrize("sent", [None, "user=1", "auth_date=1&user=%7B%22id%22%3A7%7D&hash=00"])
def test_a_client_that_has_not_signed_in_is_refused(cloud: Cloud, sent: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused, client(address(cloud), sent):
        pass
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["error"]["code"] == "telegram auth failed"


def test_pings_and_mistakes_in_another_region(cloud: Cloud) -> None:
    region = "eu-west-1"
    with client(address(cloud, region), init_data(cloud, some_user())) as socket:
        assert say(socket, action="ping")["type"] == "pong"
        socket.send("this is not JSON")
        assert hear(socket)["error"]["code"] == "invalid_json"
        assert say(socket, action="dance")["error"]["code"] == "unknown_action"
        assert say(socket, action="subscribe", channel="leaderboard", league="none")["error"]["code"]
        assert say(socket, action="ping")["type"] == "pong"


def test_followers_of_a_leaderboard_hear_of_a_change(cloud: Cloud) -> None:
    watcher, fighter = some_user(), some_user()
    with client(address(cloud), init_data(cloud, watcher)) as socket:
        socket.send(json.dumps({"action": "subscribe", "channel": "leaderboard", "season": "current"}))
        # A battle of another test may change the board in between and be told first.
        answer = hear(socket, of_type="subscribed")
        # Enough to be among the first, whoever else has fought here.
        sums: dict[str, Any] = {"score": 10**9, "aiba": 0, "neur": 0, "battles": 1}
        ask("GET", f"{cloud.api()}/api/economy/me", headers=cloud.sign_in(fighter))
        cloud.database().users.update_one(
            {"telegramId": str(fighter)}, {"$set": {"seasons": {answer["season"]: {"all": sums}}}}
        )
        request_id = queue_battle(cloud, fighter)
        told = hear(socket, of_type="leaderboard")
        while str(fighter) not in [row["telegramId"] for row in told["rows"]]:
            told = hear(socket, of_type="leaderboard")
        assert (told["board"], told["season"]) == ("all", answer["season"])
        assert len(told["rows"]) <= 10
        assert ask("GET", f"{cloud.api()}/api/battle/{request_id}", headers=cloud.sign_in(fighter)).status == 200


def test_the_command_prints_what_arrives(cloud: Cloud) -> None:
    run = cloud.command("live", "--user", str(some_user()), "--leaderboard", "--count", "1")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    # A change that another test made just then may come before the answer.
    assert told["type"] in ("subscribed", "leaderboard")
    assert (told["board"], told["season"]) == ("all", None)
    assert "initData" not in run.stdout + run.stderr
    refused = cloud.command("live", "--user", "5", "--bot-token", "1:wrong", "--url", address(cloud))
    assert refused.returncode == 1
    assert "telegram auth failed" in refused.stderr


def test_nothing_logs_a_sign_in(cloud: Cloud) -> None:
    signed = init_data(cloud, some_user())
    # However often an address is encoded, these 64 digits stay as they are.
    (signature,) = parse_qs(signed)["hash"]
    assert re.fullmatch("[0-9a-f]{64}", signature)
    with client(address(cloud), signed) as socket:
        say(socket, action="ping")
    with pytest.raises(InvalidStatus), client(address(cloud), signed + "&user=2"):
        pass
    logs = [path for path in (cloud.state_dir / "logs").rglob("*") if path.is_file()]
    assert {"localstack.log", "websocket.log"} <= {path.name for path in logs}
    assert any("functions" in path.parts for path in logs)
    assert [path.name for path in logs if signature in path.read_text(errors="replace")] == []
