"""Three regions on the local cloud: what one does the others do, whoever is killed, and nothing unsigned."""

import json
import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import psutil
import pytest

from chalicelib.clock import system_clock
from chalicelib.data.extended_json import to_json
from chalicelib.replication.conversion import envelope_of, iso
from chalicelib.replication.envelope import Envelope
from chalicelib.replication.ports import APPLIED
from chalicelib.replication.signing import Keyring
from infra.cloud import Cloud as Aws
from tests.e2e.client import ask
from tests.e2e.conftest import Cloud
from tests.localstack.running import PATIENCE_SECONDS, eventually
from tests.replication_load import Convergence, Writers, queue_urls

SOURCE, *OTHERS = REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
DRAIN_SECONDS = 240
"""A killed receiver's messages come back after a minute and a half."""
WRITES_PER_SECOND, WRITING_SECONDS = 20, 10
KILLS_MIN, ROUNDS_MAX = 4, 60


@pytest.fixture
def regions(cloud: Cloud) -> Iterator[Convergence]:
    """What the regions hold of the events committed from now on."""
    found = Convergence(cloud.status, system_clock())
    yield found
    found.close()


@pytest.fixture
def keyring(cloud: Cloud) -> Keyring:
    secrets = json.loads((cloud.state_dir / "secrets.json").read_text(encoding="utf-8"))
    return Keyring.parse(secrets["REPLICATION_SECRET"])


def fight(cloud: Cloud, user: int) -> str:
    """The requestId of a battle of a new player."""
    broker = ask("POST", f"{cloud.api()}/api/brokers/starter", {}, cloud.sign_in(user))
    body = {"requestId": str(uuid.uuid4()), "brokerId": broker.json["data"]["_id"]}
    answer = ask("POST", f"{cloud.api()}/api/battle/run", body, cloud.sign_in(user))
    assert answer.status == 200, answer.text
    return str(body["requestId"])


def resent(regions: Convergence, keyring: Keyring) -> Envelope:
    """The last event of the source that has arrived, signed anew: another may have followed it just now."""
    arrived = regions.database(OTHERS[0])[APPLIED].find_one({"region": SOURCE}, sort=[("occurredAt", -1)])
    assert arrived is not None
    event = regions.database(SOURCE).outbox.find_one({"_id": arrived["_id"]})
    assert event is not None
    return keyring.sign(envelope_of(event, sent_at=system_clock(), to_json=to_json))


def equal(regions: Convergence, players: set[str]) -> bool:
    books = [regions.books(region, players) for region in REGIONS]
    return books[0] == books[1] == books[2]


def test_battles_appear_in_every_region_with_the_same_books(cloud: Cloud, regions: Convergence) -> None:
    first = random.randrange(10**9, 2**40)
    players = {str(first + number) for number in range(5)}
    request_ids = [fight(cloud, int(player)) for player in sorted(players)]
    assert regions.drained(SOURCE, DRAIN_SECONDS) is not None
    # An attempt that nobody waits for any more may still have given somebody a broker just now.
    eventually(partial(equal, regions, players), seconds=DRAIN_SECONDS)
    books = regions.books(SOURCE, players)
    assert set(books["battles"]) == set(request_ids)
    assert {who: user["aibaBalance"] for who, user in books["players"].items()} == {
        who: sum(amount for key, amount in books["ledger"].items() if key[1:3] == (who, "AIBA")) for who in players
    }
    assert all(user["totals"] for user in books["players"].values())
    # The publisher notes what it has sent after the others have it.
    outbox = regions.database(SOURCE).outbox
    eventually(lambda: outbox.count_documents({"pending": {"$ne": []}}), lambda waiting: waiting == 0, seconds=150)


def received(cloud: Cloud, region: str, request_id: str) -> bool:
    """Whether the receivers' logs have it: they write after they have applied."""
    return bool(cloud.logs_with(request_id, f"functions/{region}.*ReplicationReceiver*"))


def test_the_sources_request_is_in_the_receivers_log(cloud: Cloud, regions: Convergence) -> None:
    request_id = fight(cloud, random.randrange(10**9, 2**40))
    assert regions.drained(SOURCE, DRAIN_SECONDS) is not None
    for region in OTHERS:
        eventually(partial(received, cloud, region, request_id))


def test_what_is_tampered_with_is_a_dead_letter_that_says_so(
    cloud: Cloud, regions: Convergence, keyring: Keyring
) -> None:
    fight(cloud, random.randrange(10**9, 2**40))
    assert regions.drained(SOURCE, DRAIN_SECONDS) is not None
    body = json.dumps({**resent(regions, keyring).wire(), "op": str(uuid.uuid4())})
    urls = queue_urls(OTHERS[0], cloud.status["localstack"])
    sqs = Aws(OTHERS[0], cloud.status["localstack"]).client("sqs")
    sqs.send_message(QueueUrl=urls["ReplicationQueue"], MessageBody=body)

    def letter() -> dict[str, Any] | None:
        found = sqs.receive_message(
            QueueUrl=urls["ReplicationDeadLetterQueue"],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            VisibilityTimeout=0,
        )
        return next((one for one in found.get("Messages", []) if one["Body"] == body), None)

    found = eventually(letter, lambda one: one is not None, seconds=150)
    assert found is not None
    attributes = {name: value["StringValue"] for name, value in found["MessageAttributes"].items()}
    assert attributes["reason"].startswith("bad_signature: ")
    # A receiver that is cut off has the message come back.
    assert int(attributes["attempts"]) >= 1


def test_the_route_takes_an_envelope_once_and_nothing_old(cloud: Cloud, regions: Convergence, keyring: Keyring) -> None:
    fight(cloud, random.randrange(10**9, 2**40))
    assert regions.drained(SOURCE, DRAIN_SECONDS) is not None
    url = f"{cloud.api(OTHERS[0])}/api/replication/receive"
    envelope = resent(regions, keyring)
    answer = ask("POST", url, envelope.wire())
    assert (answer.status, answer.json["data"]["events"][0]["fate"]) == (200, "duplicate")
    long_ago = keyring.sign(replace(envelope, sent_at=iso(system_clock() - timedelta(hours=1))))
    stale = ask("POST", url, long_ago.wire())
    assert (stale.status, stale.error["code"]) == (401, "stale")
    home = ask("POST", f"{cloud.api()}/api/replication/receive", envelope.wire())
    assert (home.status, home.error["code"]) == (403, "unknown_source")


def test_killed_publishers_and_receivers_lose_nothing(cloud: Cloud, regions: Convergence) -> None:
    """Killed with -9 while 200 writes are made; once everything has arrived, all regions hold the same."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    stop = threading.Event()
    kills: list[str] = []

    def kill() -> None:
        while not stop.wait(moments.uniform(0.3, 1.0)):
            for region, function in ((SOURCE, "OutboxPublisher"), (OTHERS[0], "ReplicationReceiver")):
                kills.extend(killed(cloud, region, function))

    killer = threading.Thread(target=kill)
    writers = Writers(cloud.status)
    killer.start()
    try:
        rounds = [writers.write(WRITES_PER_SECOND, WRITING_SECONDS, within=PATIENCE_SECONDS)]
        # On a busy machine those who were killed are slow to come again.
        while len(kills) < KILLS_MIN and len(rounds) < ROUNDS_MAX:
            rounds.append(writers.write(WRITES_PER_SECOND, 1, within=PATIENCE_SECONDS))
    finally:
        stop.set()
        killer.join()
        writers.close()
    assert sum(done.failures for done in rounds) == 0
    assert rounds[0].writes >= WRITES_PER_SECOND * WRITING_SECONDS
    assert len(kills) >= KILLS_MIN, kills
    players = set[str]().union(*(done.players for done in rounds))
    assert regions.drained(SOURCE, DRAIN_SECONDS) is not None, regions.missing(SOURCE)
    assert equal(regions, players)
    assert len(regions.books(SOURCE, players)["players"]) == len(players)


def killed(cloud: Cloud, region: str, function: str) -> list[str]:
    """Kills the environments of a function; what was killed."""
    found = []
    for process, its in cloud.environments(region):
        if function in its["AWS_LAMBDA_FUNCTION_NAME"]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
                found.append(function)
    return found
