"""Sending to SQS queues."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.arena.battle_queue_ports import OutgoingMessage
from chalicelib.arena.queue_watch import Depth
from chalicelib.errors import Unavailable

BATCH_MAX: Final = 10
"""Messages SQS takes in one call."""

BATCH_BYTES_MAX: Final = 256 * 1024
"""Bytes of bodies and attributes SQS takes in one call."""

CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 2
ATTEMPTS: Final = 2
"""At worst ``send`` takes ``ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS)`` and a pause of at most a second."""

HURRIED_CONNECT_SECONDS: Final = 0.5
HURRIED_READ_SECONDS: Final = 1
HURRIED_ATTEMPTS: Final = 1

RETRY_AFTER_SECONDS: Final = 1

_DEPTH: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsClient:
    """One SQS client, built with its library on first use; the queues of a process share it.

    A ``hurried`` one is for what may be lost or comes again: it tries once, and not for long.
    """

    def __init__(self, region: str, *, hurried: bool = False) -> None:
        self._region = region
        self._hurried = hurried

    @cached_property
    def raw(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=HURRIED_CONNECT_SECONDS if self._hurried else CONNECT_SECONDS,
            read_timeout=HURRIED_READ_SECONDS if self._hurried else READ_SECONDS,
            retries={"total_max_attempts": HURRIED_ATTEMPTS if self._hurried else ATTEMPTS, "mode": "standard"},
        )
        return boto3.client("sqs", region_name=self._region, config=config)


class SqsQueue:
    """``MessageQueue`` on SQS."""

    def __init__(self, client: SqsClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, body: str, *, attributes: Mapping[str, str] | None = None, delay_seconds: int = 0) -> None:
        """Puts one message on the queue. Raises ``Unavailable("queue_unavailable")``; it may have been sent then."""
        self._call("send_message", **_entry(OutgoingMessage(body, attributes or {}, delay_seconds)))

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        """Puts ``messages`` on the queue, in as few calls as SQS allows; those the queue did not take.

        Raises ``Unavailable("queue_unavailable")`` when a call fails; any of the messages may have been sent then.
        """
        refused: list[OutgoingMessage] = []
        for chunk in _chunks(messages):
            entries = [{"Id": str(number), **_entry(message)} for number, message in enumerate(chunk)]
            answer = self._call("send_message_batch", Entries=entries)
            refused += [chunk[int(failure["Id"])] for failure in answer.get("Failed", [])]
        return refused

    def show_again(self, receipts: Mapping[str, int]) -> None:
        """Lets received messages, by receipt, come again after so many seconds (0..43,200).

        Raises ``Unavailable("queue_unavailable")``: then those come again when the queue's own time is over.
        """
        pairs = list(receipts.items())
        for start in range(0, len(pairs), BATCH_MAX):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                for number, (receipt, seconds) in enumerate(pairs[start : start + BATCH_MAX])
            ]
            self._call("change_message_visibility_batch", Entries=entries)

    def depth(self) -> Depth:
        """Raises ``Unavailable("queue_unavailable")``."""
        found = self._call("get_queue_attributes", AttributeNames=list(_DEPTH))["Attributes"]
        return Depth(*(int(found[name]) for name in _DEPTH))

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        with reached():
            answer: dict[str, Any] = getattr(self._client.raw, operation)(QueueUrl=self._queue_url(), **arguments)
        return answer

    def _queue_url(self) -> str:
        return self._url


class NamedQueue(SqsQueue):
    """The queue of a name in the client's region and account, asked for once."""

    def __init__(self, client: SqsClient, name: str) -> None:
        super().__init__(client, "")
        self._name = name

    def _queue_url(self) -> str:
        if not self._url:
            self._url = str(self._client.raw.get_queue_url(QueueName=self._name)["QueueUrl"])
        return self._url


@contextlib.contextmanager
def reached() -> Iterator[None]:
    """Raises ``Unavailable("queue_unavailable")`` from whatever the client raises."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(
            "queue_unavailable", "the queue can't be reached", retry_after_seconds=RETRY_AFTER_SECONDS
        ) from error


def _chunks(messages: Sequence[OutgoingMessage]) -> Iterator[list[OutgoingMessage]]:
    chunk: list[OutgoingMessage] = []
    size = 0
    for message in messages:
        if chunk and (len(chunk) == BATCH_MAX or size + _size(message) > BATCH_BYTES_MAX):
            yield chunk
            chunk, size = [], 0
        chunk.append(message)
        size += _size(message)
    if chunk:
        yield chunk


def _entry(message: OutgoingMessage) -> dict[str, Any]:
    """The arguments of SendMessage, without the queue."""
    entry: dict[str, Any] = {"MessageBody": message.body}
    attributes = {
        name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items() if value
    }
    if attributes:
        entry["MessageAttributes"] = attributes
    if message.delay_seconds:
        entry["DelaySeconds"] = message.delay_seconds
    return entry


def _size(message: OutgoingMessage) -> int:
    """Bytes, as SQS counts them."""
    texts = [message.body, *(part for item in message.attributes.items() for part in (*item, "String"))]
    return sum(len(text.encode()) for text in texts)
