"""``./arena replication deadletters`` and ``replay`` on SQS, as moto plays it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from chalicelib.clock import system_clock
from chalicelib.replication.conversion import iso
from chalicelib.replication.envelope import Envelope
from chalicelib.replication.signing import Keyring
from infra.cli.replication import command

REGION = "eu-west-1"
SECRET = f"now:{'s' * 40}"


@dataclass(frozen=True)
class Queues:
    """A region's queues, and hands to use them."""

    sqs: Any
    incoming: str
    dead_letters: str

    def die(self, number: int, *, secret: str = SECRET, reason: str = "busy: too many", entity: str = "battle") -> None:
        envelope = Envelope(
            event_id=f"{number:024x}",
            source_region="us-east-1",
            entity=entity,
            key=f"k{number}",
            version=f"{number:012x}00001",
            op="change",
            payload={"changes": []},
            occurred_at=iso(system_clock()),
            sent_at=iso(system_clock()),
        )
        self.send(json.dumps(Keyring.parse(secret).sign(envelope).wire()), reason=reason)

    def send(self, body: str, *, reason: str) -> None:
        attributes = {"reason": reason, "attempts": "4"}
        self.sqs.send_message(
            QueueUrl=self.dead_letters,
            MessageBody=body,
            MessageAttributes={name: {"DataType": "String", "StringValue": one} for name, one in attributes.items()},
        )

    def count(self, url: str) -> int:
        """Those that can be seen, and those in somebody's hands."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def arrived(self) -> list[str]:
        """Keys of what came back to the queue of incoming events, in order."""
        messages = self.sqs.receive_message(QueueUrl=self.incoming, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"])["key"] for message in messages]


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        sqs = boto3.client("sqs", region_name=REGION)
        dead_letters = sqs.create_queue(QueueName="dead")["QueueUrl"]
        policy = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:123456789012:dead", "maxReceiveCount": 1000}
        incoming = sqs.create_queue(
            QueueName="arena-production-replication", Attributes={"RedrivePolicy": json.dumps(policy)}
        )["QueueUrl"]
        yield Queues(sqs, incoming, dead_letters)


def run(*arguments: str, secret: str = SECRET) -> tuple[int, Any]:
    """Exit code and report."""
    environment = {"REPLICATION_SECRET": secret}
    result = CliRunner().invoke(command, [*arguments, "--json", "--aws", "--region", REGION], env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def test_they_are_listed_and_stay(queues: Queues) -> None:
    """With reason, attempts, event, entity and key; again and again."""
    for number in range(12):
        queues.die(number)
    queues.send("{", reason="malformed_envelope: no JSON")
    for _ in range(2):
        code, letters = run("deadletters")
        assert (code, len(letters)) == (0, 13)
    broken, first = letters[:2]
    assert (broken["eventId"], broken["fault"][:11]) == (None, "no envelope")
    assert (first["region"], first["source"], first["entity"], first["key"]) == (REGION, "us-east-1", "battle", "k0")
    assert (first["reason"], first["attempts"], first["eventId"]) == ("busy: too many", 4, "0" * 24)
    assert queues.count(queues.dead_letters) == 13


def test_they_are_sent_back_in_order_and_only_then_deleted(queues: Queues) -> None:
    """A dry run says the same and sends nothing."""
    for number in (3, 1, 2):
        queues.die(number)
    code, planned = run("replay", "--dry-run")
    assert (code, [one["fate"] for one in planned]) == (0, ["replay"] * 3)
    assert (queues.count(queues.dead_letters), queues.count(queues.incoming)) == (3, 0)
    code, sent = run("replay")
    assert (code, [(one["key"], one["fate"]) for one in sent]) == (0, [("k1", "sent"), ("k2", "sent"), ("k3", "sent")])
    assert queues.arrived() == ["k1", "k2", "k3"]
    assert queues.count(queues.dead_letters) == 0


def test_what_is_not_asked_for_or_not_believed_stays(queues: Queues) -> None:
    """And says why; the exit code tells that something asked for was refused."""
    queues.die(1, entity="guilds")
    queues.die(2)
    queues.die(3, secret=f"gone:{'x' * 40}")
    code, fates = run("replay", "--entity", "battle")
    assert (code, [one["fate"] for one in fates]) == (1, ["left out", "sent", "refused"])
    assert fates[2]["why"].startswith("unknown_key")
    assert queues.arrived() == ["k2"]
    assert queues.count(queues.dead_letters) == 2


def test_it_is_refused_in_words(queues: Queues) -> None:
    """A queue that is not there, keys that are none, a region that is not named."""
    for arguments, secret, words in (
        (["deadletters", "--aws", "--region", "us-west-2"], SECRET, "name the queue with --queue"),
        (["replay", "--aws", "--region", REGION], "short:x", "at least 32"),
        (["replay", "--aws", "--region", REGION], "", "REPLICATION_SECRET"),
        (["deadletters", "--aws"], SECRET, "--aws needs --region"),
        (["deadletters", "--aws", "--region", REGION, "--queue", "dead"], SECRET, "no dead-letter queue"),
    ):
        result = CliRunner().invoke(command, arguments, env={"REPLICATION_SECRET": secret})
        assert result.exit_code != 0
        assert words in result.output, result.output
