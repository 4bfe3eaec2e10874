"""Queued battles on the local cloud: through API Gateway, SQS and the worker's alias, while workers are killed."""

import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psutil
import pytest
from bson import ObjectId

from chalicelib.arena.brokers import new_broker
from chalicelib.clock import system_clock
from infra.cloud import Cloud as Aws
from infra.template.stage import STAGES
from tests.e2e.client import ask
from tests.e2e.conftest import Cloud
from tests.gateway import Answer
from tests.localstack.running import eventually

REGION = "us-east-1"
BATTLES = 400
PLAYERS = [str(number) for number in range(600_000, 600_050)]
KILLS = 4
DRAIN_SECONDS = 360
"""A killed worker's messages come back after a minute and more, and some of them meet another that is killed."""
LENGTH = re.compile(r'^aiba_battle_queue_length\{arena="prediction",league="rookie"\} (\d+)$', re.MULTILINE)


@pytest.fixture(scope="module")
def aws(cloud: Cloud) -> Aws:
    return Aws(REGION, cloud.status["localstack"])


@pytest.fixture(scope="module")
def queues(aws: Aws) -> dict[str, str]:
    """URLs by logical id."""
    stack = aws.client("cloudformation").describe_stacks(StackName=STAGES["dev"].stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return {name: outputs[f"{name}Url"] for name in ("BattleQueue", "BattleDeadLetterQueue")}


@pytest.fixture
def resting_worker(aws: Aws) -> Iterator[Callable[[], None]]:
    """The worker's queue is not read until the function given is called."""
    client = aws.client("lambda")
    (mapping,) = [m for m in client.list_event_source_mappings()["EventSourceMappings"] if "BattleQueue" in str(m)]

    def read(enabled: bool, state: str) -> None:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)
        eventually(lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == state)

    read(False, "Disabled")
    yield lambda: read(True, "Enabled")
    read(True, "Enabled")


def queue_battle(cloud: Cloud, player: str, broker: ObjectId, request_id: str) -> Answer:
    body = {"requestId": request_id, "brokerId": str(broker)}
    return ask("POST", f"{cloud.api(REGION)}/api/battle/queue", body, cloud.sign_in(int(player)))


def queue_length(cloud: Cloud) -> int:
    """As Prometheus sees it. The page leaves it out while the database is too busy to count."""
    found = eventually(lambda: LENGTH.findall(ask("GET", f"{cloud.api(REGION)}/metrics").text))
    return int(found[0])


def workers(cloud: Cloud) -> list[psutil.Process]:
    return [one for one, its in cloud.environments(REGION) if "BattleWorker" in its["AWS_LAMBDA_FUNCTION_NAME"]]


def dead_letters(aws: Aws, url: str) -> list[dict[str, Any]]:
    """Those that lie there, as they are; few ever do."""
    received = aws.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    return list(received.get("Messages", []))


def test_a_queued_battle_is_told_at_its_status_url(cloud: Cloud) -> None:
    database = cloud.database(REGION)
    broker = {"_id": ObjectId(), **new_broker("610000", system_clock())}
    database.brokers.insert_one(broker)
    request_id = f"{uuid.uuid4()} with/a slash & % é"
    answer = queue_battle(cloud, "610000", broker["_id"], request_id)
    # The latter where the message of an attempt that seemed to fail was fought before the next one.
    assert (answer.status, answer.data["status"]) in ((202, "queued"), (200, "done"))
    url = cloud.api(REGION) + answer.data["statusUrl"]

    def told_now() -> Answer:
        return ask("GET", url, headers=cloud.sign_in(610_000))

    told = eventually(told_now, lambda answer: answer.data["status"] != "queued", seconds=150).data
    assert (told["requestId"], told["status"], told["battle"]["requestId"]) == (request_id, "done", request_id)
    assert told["battle"]["starsGranted"] == 1
    assert ask("GET", url, headers=cloud.sign_in(610_001)).status == 404
    again = queue_battle(cloud, "610000", broker["_id"], request_id)
    assert (again.status, again.data["status"]) == (200, "done")


def test_a_message_nobody_can_read_is_dead_with_its_reason(aws: Aws, queues: dict[str, str]) -> None:
    sqs, dead = aws.client("sqs"), queues["BattleDeadLetterQueue"]
    body = json.dumps({"format": 99})
    sent = sqs.send_message(QueueUrl=queues["BattleQueue"], MessageBody=body)["MessageId"]

    def ours() -> list[dict[str, Any]]:
        return [letter for letter in dead_letters(aws, dead) if letter["Body"] == body]

    # A worker that is cut off has the message come back, and may bury it twice.
    for letter in eventually(ours, seconds=150):
        attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
        assert int(attributes.pop("attempts")) >= 1
        assert attributes == {"reason": "illegible: unknown format 99", "sourceMessageId": sent}
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])


def test_four_hundred_queued_battles_survive_killed_workers(
    cloud: Cloud, aws: Aws, queues: dict[str, str], resting_worker: Callable[[], None]
) -> None:
    """Each is fought once; the queue is seen growing and shrinking."""
    database = cloud.database(REGION)
    brokers = [{"_id": ObjectId(), **new_broker(PLAYERS[n % len(PLAYERS)], system_clock())} for n in range(BATTLES)]
    database.brokers.insert_many(brokers)
    run = uuid.uuid4().hex
    wanted = {f"{run}-{number}": broker for number, broker in enumerate(brokers)}
    eventually(lambda: queue_length(cloud) == 0, seconds=60)
    lengths = [0]
    started = time.monotonic()

    def enqueue(item: tuple[str, dict[str, Any]]) -> int:
        return queue_battle(cloud, item[1]["ownerTelegramId"], item[1]["_id"], item[0]).status

    ours = {"requestId": {"$regex": f"^{run}-"}}
    killed: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        accepted = [pool.submit(enqueue, item) for item in wanted.items()]
        while lengths[-1] < BATTLES / 2 and time.monotonic() - started < DRAIN_SECONDS:
            time.sleep(0.5)
            lengths.append(queue_length(cloud))
        resting_worker()
        # The clock begins anew: how long it takes to queue them says nothing about how long it takes to fight them.
        started = time.monotonic()
        while time.monotonic() - started < DRAIN_SECONDS and (lengths[-1] or not all(one.done() for one in accepted)):
            if len(killed) < KILLS and database.battles.count_documents(ours) > 30 * len(killed):
                for worker in [one for one in workers(cloud) if one.pid not in killed][:1]:
                    # Not terminated: no chance to finish or to hand back what it holds.
                    with suppress(psutil.NoSuchProcess):
                        worker.kill()
                        killed.append(worker.pid)
            # Between two looks at other processes; nothing is judged by it. Each look costs what they need.
            time.sleep(0.3 if len(killed) < KILLS else 1.0)
            lengths.append(queue_length(cloud))
    # 200 where the message of an attempt that seemed to fail was fought before the next one.
    assert {one.result() for one in accepted} <= {200, 202}
    drained_after = time.monotonic() - started
    print(f"drained in {drained_after:.0f} s, killed {len(killed)}, lengths {lengths}")
    assert len(killed) == KILLS
    assert max(lengths) >= BATTLES / 2
    assert lengths[-1] == 0
    # The length may have been counted some seconds ago.
    eventually(lambda: database.battlejobs.count_documents({**ours, "status": "queued"}) == 0)
    fought = Counter(battle["requestId"] for battle in database.battles.find(ours))
    assert fought == dict.fromkeys(wanted, 1)
    jobs = Counter(job["status"] for job in database.battlejobs.find(ours))
    assert jobs == {"done": BATTLES}
    assert [one["Body"] for one in dead_letters(aws, queues["BattleDeadLetterQueue"]) if run in one["Body"]] == []
    assert_paid(cloud)


def assert_paid(cloud: Cloud) -> None:
    """Ledger, balances and battles of the players tell one story."""
    database = cloud.database(REGION)
    ours = {"$in": PLAYERS}
    for currency, field in (("AIBA", "aibaBalance"), ("NEUR", "neurBalance"), ("STARS", "starsBalance")):
        sums: Counter[str] = Counter()
        for row in database.ledgerentries.find({"telegramId": ours, "currency": currency}):
            sums[row["telegramId"]] += row["amount"] if row["direction"] == "credit" else -row["amount"]
        balances = {user["telegramId"]: user[field] for user in database.users.find({"telegramId": ours})}
        assert balances == {player: sums[player] for player in PLAYERS}
    rewards = sum(battle["rewardAiba"] for battle in database.battles.find({"ownerTelegramId": ours}))
    paid = database.ledgerentries.find({"telegramId": ours, "currency": "AIBA", "reason": "battle_reward"})
    assert rewards == sum(row["amount"] for row in paid) > 0


def test_the_queued_command_prints_the_battle(cloud: Cloud) -> None:
    run = cloud.patiently("battle", "--queued", "--region", REGION, "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["agrees"] is True
