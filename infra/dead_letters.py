"""A region's dead letters on SQS: looked at without taking them, sent back, and deleted only after that."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.replication.dead_letters import UNKNOWN_REASON, DeadLetter
from infra.cloud import explain
from infra.template.queues import REPLICATION

BATCH: Final = 10
"""Messages SQS takes or gives in one call."""
HELD_SECONDS: Final = 120
"""How long nobody else sees the letters that are being looked at."""
EMPTY_MAX: Final = 2
"""Empty answers in a row that mean there are no more: one may be chance."""
SUFFIX: Final = f"-{REPLICATION.shared_name}"


class QueueTrouble(Exception):
    """Queues that can't be found, read or written; the text says what to do."""


@dataclass(frozen=True, slots=True)
class RegionQueues:
    """The queue of incoming events, and that of those given up."""

    incoming: str
    dead_letters: str


def find_queues(sqs: Any, name: str | None) -> RegionQueues:
    """By the incoming queue's name; without one, by being the only one that may be meant. Raises ``QueueTrouble``."""
    with _explained():
        if name is None:
            urls = [url for page in sqs.get_paginator("list_queues").paginate() for url in page.get("QueueUrls", [])]
            found = [url for url in urls if url.endswith(SUFFIX)]
            if len(found) != 1:
                names = ", ".join(url.rpartition("/")[2] for url in found) or "none"
                raise QueueTrouble(f"name the queue with --queue: of queues *{SUFFIX} there are {names}")
            incoming = str(found[0])
        else:
            incoming = str(sqs.get_queue_url(QueueName=name)["QueueUrl"])
        attributes = sqs.get_queue_attributes(QueueUrl=incoming, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
        policy = json.loads(attributes.get("RedrivePolicy", "{}"))
        target = str(policy.get("deadLetterTargetArn", "")).rpartition(":")[2]
        if not target:
            raise QueueTrouble(f"{incoming.rpartition('/')[2]} has no dead-letter queue: is it the right one?")
        return RegionQueues(incoming, str(sqs.get_queue_url(QueueName=target)["QueueUrl"]))


@contextlib.contextmanager
def held_letters(sqs: Any, queues: RegionQueues, limit: int) -> Iterator[list[DeadLetter]]:
    """Up to ``limit`` dead letters, seen by nobody else meanwhile; those not deleted are there again afterwards.

    Raises ``QueueTrouble``.
    """
    letters: list[DeadLetter] = []
    try:
        with _explained():
            letters += _received(sqs, queues.dead_letters, limit)
        yield letters
    finally:
        # Those that are gone by now are no fault; the others come back by themselves at the latest.
        with contextlib.suppress(BotoCoreError, ClientError):
            for start in range(0, len(letters), BATCH):
                entries = [
                    {"Id": str(number), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                    for number, letter in enumerate(letters[start : start + BATCH])
                ]
                sqs.change_message_visibility_batch(QueueUrl=queues.dead_letters, Entries=entries)


def send_back(sqs: Any, queues: RegionQueues, letters: Sequence[DeadLetter]) -> Iterator[tuple[DeadLetter, str]]:
    """Sends ``letters`` to the incoming queue, in their order, and deletes each only when it was taken.

    Each with why it was not sent, "" if it was. Raises ``QueueTrouble``; those already told are done.
    """
    for letter in letters:
        with _explained():
            try:
                sqs.send_message(QueueUrl=queues.incoming, MessageBody=letter.body)
            except ClientError as error:
                yield letter, explain(error)
                continue
            sqs.delete_message(QueueUrl=queues.dead_letters, ReceiptHandle=letter.receipt)
        yield letter, ""


def _received(sqs: Any, url: str, limit: int) -> Iterator[DeadLetter]:
    seen: set[str] = set()
    empty = 0
    while len(seen) < limit and empty < EMPTY_MAX:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(BATCH, limit - len(seen)),
            VisibilityTimeout=HELD_SECONDS,
            WaitTimeSeconds=0,
            MessageAttributeNames=["All"],
            AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
        )
        messages = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        empty = 0 if messages else empty + 1
        seen |= {message["MessageId"] for message in messages}
        yield from map(_letter, messages)


def _letter(message: Any) -> DeadLetter:
    told = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    attempts = told.get("attempts", "")
    return DeadLetter(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        body=message["Body"],
        reason=told.get("reason") or UNKNOWN_REASON,
        attempts=int(attempts) if attempts.isdigit() else 0,
        died_at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
    )


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise QueueTrouble(explain(error)) from error
