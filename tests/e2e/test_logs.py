"""One id through the whole system: given to one region's API, found by the command line wherever it led."""

import json
import random
import uuid
from collections import defaultdict
from typing import Any

from tests.e2e.client import ask
from tests.e2e.conftest import Cloud
from tests.localstack.running import eventually

SOURCE, *OTHERS = REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
WHEREABOUTS = {
    (SOURCE, "APIHandler"),
    (SOURCE, "BattleWorker"),
    (SOURCE, "OutboxPublisher"),
    (SOURCE, "LivePush"),
    *((region, "ReplicationReceiver") for region in OTHERS),
}
"""Where a battle queued in the source is heard of."""


def queue_battle(cloud: Cloud, user: int, correlation_id: str) -> None:
    broker = ask("POST", f"{cloud.api(SOURCE)}/api/brokers/starter", {}, cloud.sign_in(user))
    body = {"requestId": str(uuid.uuid4()), "brokerId": broker.json["data"]["_id"]}
    headers = {**cloud.sign_in(user), "X-Request-Id": correlation_id}
    answer = ask("POST", f"{cloud.api(SOURCE)}/api/battle/queue", body, headers)
    assert (answer.status, answer.json["requestId"]) == (202, correlation_id), answer.text


def found(cloud: Cloud, correlation_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What the command line finds, by region and function."""
    done = cloud.command("logs", "--id", correlation_id, "--since", "10m", "--json")
    lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for text in done.stdout.splitlines():
        line = json.loads(text)
        lines[line["region"], line["function"]].append(line["line"])
    return lines


def test_an_id_is_followed_from_the_api_to_the_other_regions_receivers(cloud: Cloud) -> None:
    correlation_id, user = f"ticket-{uuid.uuid4()}", random.randrange(10**9, 2**40)
    queue_battle(cloud, user, correlation_id)
    lines = eventually(lambda: found(cloud, correlation_id), lambda one: one.keys() >= WHEREABOUTS, seconds=150)
    api = [one["message"] for one in lines[SOURCE, "APIHandler"] if one["correlation_id"] == correlation_id]
    assert "request" in api
    (fought,) = (one for one in lines[SOURCE, "BattleWorker"] if one["message"] == "queued battle")
    assert (fought["outcome"], fought["correlation_id"]) == ("done", correlation_id)
    for region in OTHERS:
        events = [event for line in lines[region, "ReplicationReceiver"] for event in line["events"]]
        ours = [event for event in events if event["correlation_id"] == correlation_id]
        assert {event["fate"] for event in ours} <= {"applied", "duplicate"}
        assert {event["source"] for event in ours} == {SOURCE}


def test_lines_for_people_are_in_the_order_of_time_and_hold_no_player(cloud: Cloud) -> None:
    correlation_id, user = f"ticket-{uuid.uuid4()}", random.randrange(10**9, 2**40)
    queue_battle(cloud, user, correlation_id)
    eventually(lambda: found(cloud, correlation_id), lambda one: one.keys() >= WHEREABOUTS, seconds=150)
    done = cloud.command("logs", "--id", correlation_id)
    assert done.returncode == 0, done.stderr
    times = [line[:23] for line in done.stdout.splitlines() if line.startswith("20")]
    assert len(times) >= len(WHEREABOUTS)
    assert times == sorted(times)
    logs = (cloud.state_dir / "logs" / "functions").glob("*.log*")
    assert [log.name for log in logs if str(user) in log.read_text(encoding="utf-8", errors="replace")] == []


def test_what_is_nowhere_is_not_found(cloud: Cloud) -> None:
    done = cloud.command("logs", "--id", str(uuid.uuid4()))
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing was logged about" in done.stderr
