"""A region's dead letters on SQS: looked at without taking them, sent back, and deleted only after that."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.arena.dead_letters import DeadLetter
from chalicelib.errors import Unavailable
from chalicelib.messaging.dead_letters import SqsDeadLetters
from infra.cloud import explain
from infra.template.queues import REPLICATION

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
    with contextlib.ExitStack() as stack:
        with _explained():
            letters = stack.enter_context(_queue(sqs, queues).held(limit))
        yield letters


def send_back(sqs: Any, queues: RegionQueues, letters: Sequence[DeadLetter]) -> Iterator[tuple[DeadLetter, str]]:
    """Sends ``letters`` to the incoming queue, in their order, and deletes each only when it was taken.

    Each with why it was not sent, "" if it was. Raises ``QueueTrouble``; those already told are done.
    """
    queue = _queue(sqs, queues)
    for letter in letters:
        with _explained():
            try:
                queue.send(letter, letter.body)
            except Unavailable as error:
                if not isinstance(error.__cause__, ClientError):
                    raise
                yield letter, explain(error.__cause__)
                continue
            queue.delete(letter)
        yield letter, ""


def _queue(sqs: Any, queues: RegionQueues) -> SqsDeadLetters:
    return SqsDeadLetters(lambda: sqs, queues.incoming, queues.dead_letters)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, Unavailable) as error:
        cause = error.__cause__ if isinstance(error, Unavailable) and error.__cause__ is not None else error
        raise QueueTrouble(explain(cause)) from error
