"""One id through the whole system: given to one region's API, found by the command line wherever it led."""

import json
import operator
import random
import uuid
from collections import defaultdict
from functools import partial
from typing import Any

from tests.e2e.client import ask
from tests.e2e.conftest import Cloud
from tests.localstack.running import eventually

Lines = dict[tuple[str, str], list[dict[str, Any]]]
"""By region and function."""
SOURCE, *OTHERS = REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
WHEREABOUTS = {
    (SOURCE, "APIHandler"),
    (SOURCE, "BattleWorker"),
    (SOURCE, "OutboxPublisher"),
    (SOURCE, "LivePush"),
    *((region, "ReplicationReceiver") for region in OTHERS),
}
"""Where a battle queued in the source is heard of."""
ARRIVED = {"applied", "duplicate"}
FOLLOWED_SECONDS = 300
"""A worker that was cut off has its messages come back after 72 s, a receiver after 90 s."""


def queue_battle(cloud: Cloud, user: int, correlation_id: str) -> None:
    broker = ask("POST", f"{cloud.api(SOURCE)}/api/brokers/starter", {}, cloud.sign_in(user))
    body = {"requestId": str(uuid.uuid4()), "brokerId": broker.json["data"]["_id"]}
    headers = {**cloud.sign_in(user), "X-Request-Id": correlation_id}
    answer = ask("POST", f"{cloud.api(SOURCE)}/api/battle/queue", body, headers)
    # 200 where the message of an attempt that seemed to fail was fought before the next one.
    assert answer.status in (200, 202), answer.text
    assert answer.json["requestId"] == correlation_id


def found(cloud: Cloud, correlation_id: str) -> Lines:
    """What the command line finds, by region and function."""
    done = cloud.command("logs", "--id", correlation_id, "--since", "10m", "--json")
    lines: Lines = defaultdict(list)
    for text in done.stdout.splitlines():
        line = json.loads(text)
        lines[line["region"], line["function"]].append(line["line"])
    return lines


def received(lines: Lines, region: str, correlation_id: str) -> dict[str, set[str]]:
    """Sources by fate of the events that came of it."""
    sources: dict[str, set[str]] = defaultdict(set)
    for line in lines.get((region, "ReplicationReceiver"), []):
        # A line of another kind names no events.
        for event in line.get("events", []):
            if event["correlation_id"] == correlation_id:
                sources[event["fate"]].add(event["source"])
    return sources


def test_an_id_is_followed_from_the_api_to_the_other_regions_receivers(cloud: Cloud) -> None:
    correlation_id, user = f"ticket-{uuid.uuid4()}", random.randrange(10**9, 2**40)
    queue_battle(cloud, user, correlation_id)

    def followed(lines: Lines) -> bool:
        arrived = [received(lines, region, correlation_id).keys() & ARRIVED for region in OTHERS]
        return lines.keys() >= WHEREABOUTS and all(arrived)

    lines = eventually(lambda: found(cloud, correlation_id), followed, seconds=FOLLOWED_SECONDS)
    api = [one["message"] for one in lines[SOURCE, "APIHandler"] if one["correlation_id"] == correlation_id]
    assert "request" in api
    fought = [one for one in lines[SOURCE, "BattleWorker"] if one["message"] == "queued battle"]
    # A message that comes twice finds its battle fought.
    assert {one["outcome"] for one in fought} <= {"done", "stale"}
    assert "done" in {one["outcome"] for one in fought}
    assert {one["correlation_id"] for one in fought} == {correlation_id}
    for region in OTHERS:
        sources = received(lines, region, correlation_id)
        # What comes before its turn, or while the database is busy, comes again.
        assert sources.keys() <= {*ARRIVED, "again"}
        assert set().union(*sources.values()) == {SOURCE}


def test_lines_for_people_are_in_the_order_of_time_and_hold_no_player(cloud: Cloud) -> None:
    correlation_id, user = f"ticket-{uuid.uuid4()}", random.randrange(10**9, 2**40)
    queue_battle(cloud, user, correlation_id)
    everywhere = partial(operator.le, WHEREABOUTS)
    eventually(lambda: found(cloud, correlation_id).keys(), everywhere, seconds=FOLLOWED_SECONDS)
    done = cloud.command("logs", "--id", correlation_id)
    assert done.returncode == 0, done.stderr
    times = [line[:23] for line in done.stdout.splitlines() if line.startswith("20")]
    assert len(times) >= len(WHEREABOUTS)
    assert times == sorted(times)
    assert cloud.logs_with(str(user), "functions/*.log*") == []


def test_what_is_nowhere_is_not_found(cloud: Cloud) -> None:
    done = cloud.command("logs", "--id", str(uuid.uuid4()))
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing was logged about" in done.stderr
