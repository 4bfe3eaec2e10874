"""Queues: SQS (as moto plays it) and the fake behave alike."""

import json
from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws

from chalicelib.arena.battle_queue_ports import OutgoingMessage
from chalicelib.errors import Unavailable
from chalicelib.messaging.sqs import NamedQueue, SqsClient, SqsQueue
from tests.fakes.memory_queue import MemoryQueue, Received, ReceivingQueue

REGION = "eu-west-1"
LONG: Final = {"VisibilityTimeout": "43200"}
"""Moto has the machine's clock: what was received must not come again because the test was held up for a while."""


class MotoQueue(SqsQueue):
    """The adapter, with the consumer's side beside it."""

    def __init__(self, url: str) -> None:
        super().__init__(SqsClient(REGION), url)
        self.raw: Any = boto3.client("sqs", region_name=REGION)
        self.url = url

    def receive(self, most: int = 10) -> list[Received]:
        found = self.raw.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=most,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return [
            Received(
                message["MessageId"],
                message["Body"],
                {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()},
                int(message["Attributes"]["ApproximateReceiveCount"]),
                message["ReceiptHandle"],
            )
            for message in found.get("Messages", [])
        ]

    def release(self, message: Received) -> None:
        self.raw.change_message_visibility(QueueUrl=self.url, ReceiptHandle=message.receipt, VisibilityTimeout=0)

    def delete(self, message: Received) -> None:
        self.raw.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)


@pytest.fixture(params=["memory", "sqs"])
def queue(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReceivingQueue]:
    if request.param == "memory":
        yield MemoryQueue()
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        url = boto3.client("sqs", region_name=REGION).create_queue(QueueName="battles", Attributes=LONG)["QueueUrl"]
        yield MotoQueue(url)


def everything(queue: ReceivingQueue) -> list[Received]:
    found: list[Received] = []
    while batch := queue.receive():
        found += batch
    return found


def test_a_message_arrives_with_its_attributes(queue: ReceivingQueue) -> None:
    queue.send("hello", attributes={"reason": "because", "empty": ""})
    (received,) = queue.receive()
    assert (received.body, received.attributes, received.receives) == ("hello", {"reason": "because"}, 1)


def test_a_received_message_is_hidden_until_released_and_counts_its_deliveries(queue: ReceivingQueue) -> None:
    queue.send("again")
    (first,) = queue.receive()
    assert queue.receive() == []
    queue.release(first)
    (second,) = queue.receive()
    assert (second.message_id, second.receives) == (first.message_id, 2)
    queue.delete(second)
    assert queue.receive() == []


def test_a_delayed_message_is_not_there_yet(queue: ReceivingQueue) -> None:
    queue.send("later", delay_seconds=900)
    assert queue.receive() == []


def test_a_batch_of_any_number_is_sent_whole(queue: ReceivingQueue) -> None:
    messages = [OutgoingMessage(str(number), {"number": str(number)}) for number in range(25)]
    assert queue.send_batch(messages) == []
    received = everything(queue)
    assert {(one.body, one.attributes["number"]) for one in received} == {(m.body, m.body) for m in messages}
    assert len(received) == 25


def test_a_batch_larger_than_sqs_takes_at_once_is_sent_in_parts(queue: ReceivingQueue) -> None:
    big = [OutgoingMessage(json.dumps([number, "x" * 100_000])) for number in range(5)]
    assert queue.send_batch(big) == []
    assert {one.body for one in everything(queue)} == {message.body for message in big}


def test_nothing_is_sent_for_an_empty_batch(queue: ReceivingQueue) -> None:
    assert queue.send_batch([]) == []
    assert queue.receive() == []


def test_a_queue_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        gone = SqsQueue(SqsClient(REGION), f"https://sqs.{REGION}.amazonaws.com/123456789012/gone")
        with pytest.raises(Unavailable, match="the queue") as sent:
            gone.send("x")
        assert (sent.value.code, sent.value.status) == ("queue_unavailable", 503)
        with pytest.raises(Unavailable):
            gone.send_batch([OutgoingMessage("x")])


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.mark.usefixtures("moto")
def test_a_queue_of_another_region_is_found_by_its_name_once() -> None:
    client = SqsClient("ap-southeast-1")
    queue = NamedQueue(client, "replication")
    with pytest.raises(Unavailable, match="the queue"):
        queue.send("too soon")
    url = client.raw.create_queue(QueueName="replication")["QueueUrl"]
    asked: list[str] = []
    client.raw.meta.events.register("before-call.sqs.GetQueueUrl", lambda **_: asked.append("asked"))
    for body in ("a", "b"):
        assert queue.send_batch([OutgoingMessage(body)]) == []
    found = client.raw.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert ({message["Body"] for message in found}, asked) == ({"a", "b"}, ["asked"])


@pytest.mark.usefixtures("moto")
def test_a_received_message_comes_again_when_it_is_told_to() -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    queue = MotoQueue(sqs.create_queue(QueueName="again", Attributes=LONG)["QueueUrl"])
    assert queue.send_batch([OutgoingMessage(str(number)) for number in range(12)]) == []
    received = everything(queue)
    queue.show_again({one.receipt: 0 if int(one.body) < 11 else 3600 for one in received})
    assert {one.body for one in everything(queue)} == {str(number) for number in range(11)}
    queue.show_again({})
