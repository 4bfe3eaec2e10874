"""Queued battles over HTTP and through the worker's handler: everything wired as in production, SQS played by moto."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from chalice.app import Chalice
from moto import mock_aws
from pymongo.database import Database

from chalicelib import wiring
from chalicelib.arena.battle_queue import COUNTED_KEPT
from chalicelib.arena.battle_worker import Handled
from chalicelib.clock import ManualClock
from chalicelib.data.seed import seed_defaults
from chalicelib.entrypoints.battles import routes, status_url
from chalicelib.entrypoints.queues import battle_worker
from chalicelib.entrypoints.scheduled import battle_sweep, metrics
from chalicelib.errors import Unavailable
from chalicelib.monitoring.families import BATTLES
from chalicelib.settings import load
from tests.consistency import assert_consistent
from tests.gateway import Answer, call
from tests.http_arena import Caller, start
from tests.installed import Fixed
from tests.queue_worlds import QueueWorld
from tests.unhurried import UnhurriedArena
from tests.unit.test_settings import DEVELOPMENT
from tests.worlds import World

REGION = "us-east-1"
MINUTE = {
    "version": "0",
    "id": "1",
    "account": "123456789012",
    "region": REGION,
    "detail": {},
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "time": "2026-11-23T12:00:00Z",
    "resources": [],
}


@dataclass(frozen=True)
class Aws:
    """The queues, as the other side sees them."""

    sqs: Any
    battles: str
    dead_letters: str
    live: str

    def bodies(self, url: str) -> list[Any]:
        """Takes every visible message off a queue."""
        found = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def deliver(self, context: object = None) -> tuple[int, int]:
        """One batch, as Lambda delivers it: (handled, to be tried again). The latter are visible again at once."""
        received = self.sqs.receive_message(
            QueueUrl=self.battles, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        messages = received.get("Messages", [])
        records = [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:battles",
                "awsRegion": REGION,
            }
            for message in messages
        ]
        answer = battle_worker({"Records": records}, context)
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] in failed:
                self.sqs.change_message_visibility(
                    QueueUrl=self.battles, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
            else:
                self.sqs.delete_message(QueueUrl=self.battles, ReceiptHandle=message["ReceiptHandle"])
        return len(messages) - len(failed), len(failed)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        sqs = boto3.client("sqs", region_name=REGION)
        yield Aws(sqs, *(sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("battles", "dead", "live")))


@pytest.fixture
def arena(mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock, aws: Aws) -> Iterator[wiring.Arena]:
    seed_defaults(database, clock())
    environ = {
        **DEVELOPMENT,
        "MONGO_URI": mongo_uri,
        "MONGO_DATABASE": database.name,
        "REDIS_URL": "",
        "ARENA_BATTLE_QUEUE_URL": aws.battles,
        "ARENA_BATTLE_DLQ_URL": aws.dead_letters,
        "ARENA_LIVE_QUEUE_URL": aws.live,
    }
    arena = UnhurriedArena(load(environ), clock=clock)
    wiring.install(Fixed(arena))
    yield arena
    wiring.install(None)
    arena.close()


def queue(player: Caller, broker: str, request_id: str, user: int = 777, **fields: object) -> Answer:
    return player("POST", "/api/battle/queue", {"requestId": request_id, "brokerId": broker, **fields}, user)


def test_a_battle_is_accepted_fought_and_told(player: Caller, aws: Aws) -> None:
    accepted = queue(player, start(player), " once ")
    assert accepted.status == 202
    assert accepted.data == {"requestId": "once", "status": "queued", "statusUrl": "/api/battle/once"}
    waiting = player("GET", "/api/battle/once")
    assert (waiting.status, waiting.data) == (200, {"requestId": "once", "status": "queued"})
    assert aws.deliver() == (1, 0)
    told = player("GET", "/api/battle/once").data
    direct = player("POST", "/api/battle/run", {"requestId": "once", "brokerId": told["battle"]["brokerId"]}).data
    assert told["status"] == "done"
    assert told["battle"] == {**direct, "starsGranted": 1, "firstWinDiamond": 1}
    assert player("GET", "/api/battle/once", user=888).error["code"] == "battle not found"
    assert [(one["kind"], one["requestId"]) for one in aws.bodies(aws.live) if one["kind"] == "result"] == [
        ("result", "once")
    ]
    again = queue(player, told["battle"]["brokerId"], "once")
    assert (again.status, again.data["status"]) == (200, "done")


def test_a_battle_counts_once_however_often_it_is_asked_for(player: Caller, aws: Aws, arena: wiring.Arena) -> None:
    broker = start(player)
    direct = {"requestId": "direct", "brokerId": broker}
    for _ in range(2):
        assert player("POST", "/api/battle/run", direct).status == 200
    queue(player, start(player, 888), "queued", user=888)
    messages = aws.sqs.receive_message(QueueUrl=aws.battles, VisibilityTimeout=0)["Messages"]
    aws.sqs.send_message(QueueUrl=aws.battles, MessageBody=messages[0]["Body"])
    assert aws.deliver() == (2, 0)
    counted = {key: value for key, value in arena.meters.registry.values().items() if key.startswith(BATTLES)}
    assert counted == {f"{BATTLES}|prediction|rookie": 2}


@pytest.mark.parametrize(
    "request_id",
    ["a/b", "with space", "100%25", "é🎲", "?x=1&y=2#z", "+", "..", "run", "queue", "status", "plain-id_1.2~3"],
)
def test_any_request_id_can_be_asked_about_at_its_status_url(player: Caller, aws: Aws, request_id: str) -> None:
    url = queue(player, start(player), request_id).data["statusUrl"]
    aws.deliver()
    told = player("GET", url)
    assert (told.status, told.data["requestId"], told.data["status"]) == (200, request_id, "done")


def test_ids_that_a_path_can_not_carry_safely_are_asked_about_by_query() -> None:
    neighbours = {route.path.rpartition("/")[2] for route in routes.declared} - {"{requestId}"}
    assert neighbours
    for request_id in (*neighbours, ".", "..", ".hidden", "a/b", "a b", "é", "a%2Fb"):
        assert status_url(request_id).startswith("/api/battle/status?requestId="), request_id
    assert status_url("0b2f7a52-8c0e") == "/api/battle/0b2f7a52-8c0e"


def test_the_same_checks_of_form_and_sign_in_as_a_direct_battle(api: Chalice, player: Caller) -> None:
    wrong = {"brokerId": 5, "arena": "a" * 51, "autoClaim": "maybe"}
    queued, direct = (player("POST", f"/api/battle/{way}", wrong) for way in ("queue", "run"))
    assert (queued.status, queued.error) == (direct.status, direct.error)
    assert call(api, "POST", "/api/battle/queue", {}).status == 401
    assert call(api, "GET", "/api/battle/x").status == 401
    assert player("GET", "/api/battle/status").error["details"] == {"requestId": "required"}


def test_refusals_are_told_with_the_direct_battles_code_and_may_be_queued_anew(player: Caller, aws: Aws) -> None:
    broker = start(player)
    queue(player, broker, "r", league="pro")
    aws.deliver()
    told = player("GET", "/api/battle/r").data
    direct = player("POST", "/api/battle/run", {"requestId": "d", "brokerId": broker, "league": "pro"})
    assert told == {"requestId": "r", "status": "refused", "error": {"status": direct.status, **direct.error}}
    assert queue(player, broker, "r").status == 202
    aws.deliver()
    assert player("GET", "/api/battle/r").data["status"] == "done"


def test_without_a_queue_the_way_is_closed_with_a_clear_code(player: Caller, arena: wiring.Arena, aws: Aws) -> None:
    broker = start(player)
    aws.sqs.delete_queue(QueueUrl=aws.battles)
    answer = queue(player, broker, "r")
    assert (answer.status, answer.error["code"]) == (503, "queue_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert player("GET", "/api/battle/r").data["status"] == "queued"


def test_the_sweep_sends_what_was_never_sent(player: Caller, aws: Aws, clock: ManualClock) -> None:
    queue(player, start(player), "r")
    assert len(aws.bodies(aws.battles)) == 1
    clock.advance(61)
    report = battle_sweep(MINUTE, None)
    assert report == {"due": 1, "resent": 1}
    assert aws.deliver() == (1, 0)
    assert player("GET", "/api/battle/r").data["status"] == "done"


def test_the_length_of_the_queue_goes_up_and_down(
    player: Caller, api: Chalice, aws: Aws, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = start(player)

    def length() -> list[str]:
        lines = call(api, "GET", "/metrics").text.splitlines()
        return [line for line in lines if line.startswith("aiba_battle_queue_length") and not line.endswith(" 0")]

    assert length() == []
    for number in range(3):
        queue(player, broker, f"r{number}")
    queue(player, broker, "x", arena="no\nsuch")
    clock.advance(COUNTED_KEPT.total_seconds())
    assert length() == [
        'aiba_battle_queue_length{arena="other",league="other"} 1',
        'aiba_battle_queue_length{arena="prediction",league="rookie"} 3',
    ]
    capsys.readouterr()
    metrics(MINUTE, None)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "BattleQueueLength" in line]
    lines = [one for one in told if "league" in one]
    assert {(one["arena"], one["league"]): one["BattleQueueLength"] for one in lines}["prediction", "rookie"] == 3
    assert aws.deliver() == (4, 0)
    clock.advance(COUNTED_KEPT.total_seconds())
    assert length() == []


def test_metrics_come_without_the_length_while_the_database_is_away(api: Chalice, arena: wiring.Arena) -> None:
    away = load({**DEVELOPMENT, "MONGO_URI": "mongodb://127.0.0.1:1/?directConnection=true", "REDIS_URL": ""})
    lost = wiring.Arena(away)
    wiring.install(Fixed(lost))
    page = call(api, "GET", "/metrics")
    lost.close()
    assert page.status == 200
    assert 'aiba_dependency_up{dependency="mongodb"} 0' in page.text
    assert "aiba_battle_queue_length" not in page.text


class Clockless:
    """A Lambda context with little time left after the first ``calls``."""

    def __init__(self, calls: int) -> None:
        self._calls = calls

    def get_remaining_time_in_millis(self) -> int:
        self._calls -= 1
        return 9_000 if self._calls >= 0 else 1_000


def test_a_worker_short_of_time_gives_the_rest_of_its_batch_back(player: Caller, aws: Aws) -> None:
    for number in range(4):
        queue(player, start(player), f"r{number}")
    assert aws.deliver(Clockless(1)) == (1, 3)
    assert aws.deliver() == (3, 0)


def test_what_fails_is_logged_by_its_message_and_the_request_that_queued_it(
    player: Caller, aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    request_id = queue(player, start(player), "r").headers["x-request-id"]
    assert aws.deliver(Clockless(0)) == (0, 1)
    aws.sqs.delete_queue(QueueUrl=aws.dead_letters)
    aws.sqs.send_message(QueueUrl=aws.battles, MessageBody="nonsense")
    assert aws.deliver() == (1, 1)
    logged = {record.getMessage(): vars(record) for record in caplog.records}
    late, fought = logged["no time left for a queued battle"], logged["queued battle"]
    assert late["correlation_id"] == fought["correlation_id"] == request_id
    assert late["message_id"] == fought["message_id"]
    failed = logged["queued battle to be tried again"]
    assert failed["correlation_id"] not in ("", request_id)
    assert failed["message_id"] not in ("", late["message_id"])


def test_one_poisoned_message_keeps_none_of_its_batch(player: Caller, aws: Aws) -> None:
    queue(player, start(player), "before")
    aws.sqs.send_message(QueueUrl=aws.battles, MessageBody='{"format":1}')
    queue(player, start(player), "after")
    assert aws.deliver() == (3, 0)
    assert aws.bodies(aws.dead_letters) == [{"format": 1}]
    assert {player("GET", f"/api/battle/{name}").data["status"] for name in ("before", "after")} == {"done"}


def test_direct_and_queued_runs_at_once_make_one_battle(world: World) -> None:
    """Four workers hold the same message while four requests fight directly."""
    world.add_player()
    queue = QueueWorld(world)
    for round_number in range(8):
        broker = world.add_broker()
        request_id = f"r{round_number}"
        queue.accept(broker, request_id)
        (message,) = queue.messages.peek()
        for _ in range(3):
            queue.messages.send(message.body)
        gate = threading.Barrier(8, timeout=60)

        def work(broker: Any = broker, request_id: str = request_id, gate: threading.Barrier = gate) -> str:
            gate.wait()
            world.battles().run(world.command(broker, request_id))
            return "direct"

        def drain(gate: threading.Barrier = gate) -> list[Handled | Exception]:
            gate.wait()
            return queue.deliver()

        with ThreadPoolExecutor(8) as pool:
            direct = [pool.submit(work) for _ in range(4)]
            queued = [pool.submit(drain) for _ in range(4)]
            assert [one.result() for one in direct] == ["direct"] * 4
            for one in queued:
                assert all(isinstance(handled, Handled | Unavailable) for handled in one.result())
        queue.deliver()
        assert queue.status(request_id)["status"] == "done"
        assert queue.job(request_id)["status"] == "done"
    assert Counter(battle["requestId"] for battle in world.read("battles")) == {f"r{number}": 1 for number in range(8)}
    assert_consistent(world)
