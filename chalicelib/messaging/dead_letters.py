"""Dead letters on SQS: looked at without taking them, sent back, deleted."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.arena.dead_letters import OURS, UNKNOWN_REASON, DeadLetter
from chalicelib.messaging.sqs import BATCH_MAX, reached

HELD_SECONDS: Final = 120
"""How long nobody else sees the letters that are being looked at, should whoever looks die."""
EMPTY_MAX: Final = 2
"""Empty answers in a row that mean there are no more: one may be chance."""


def _always() -> bool:
    return True


class SqsDeadLetters:
    """``dead_letters.DeadLetterQueue``. ``client`` gives a boto3 client; the URLs are the queue's and its letters'."""

    def __init__(
        self, client: Callable[[], Any], messages: str, dead_letters: str, *, held_seconds: int = HELD_SECONDS
    ) -> None:
        self._client = client
        self._messages = messages
        self._dead_letters = dead_letters
        self._held_seconds = held_seconds

    @contextlib.contextmanager
    def held(
        self, most: int, *, wanted: Collection[str] = (), go_on: Callable[[], bool] = _always
    ) -> Iterator[list[DeadLetter]]:
        letters: list[DeadLetter] = []
        try:
            with reached():
                for page in self._pages(most, go_on):
                    letters += page
                    if wanted and {one.message_id for one in letters}.issuperset(wanted):
                        break
            yield letters
        finally:
            # Those that are gone by now are no fault; the others come back by themselves at the latest.
            with contextlib.suppress(BotoCoreError, ClientError):
                for start in range(0, len(letters), BATCH_MAX):
                    self._let_go(letters[start : start + BATCH_MAX])

    def send(self, letter: DeadLetter, body: str) -> None:
        attributes = {name: {"DataType": "String", "StringValue": one} for name, one in letter.attributes.items()}
        more: dict[str, Any] = {"MessageAttributes": attributes} if attributes else {}
        with reached():
            self._client().send_message(QueueUrl=self._messages, MessageBody=body, **more)

    def delete(self, letter: DeadLetter) -> None:
        with reached():
            self._client().delete_message(QueueUrl=self._dead_letters, ReceiptHandle=letter.receipt)

    def _pages(self, most: int, go_on: Callable[[], bool]) -> Iterator[list[DeadLetter]]:
        seen: set[str] = set()
        empty = 0
        while len(seen) < most and empty < EMPTY_MAX and go_on():
            answer = self._client().receive_message(
                QueueUrl=self._dead_letters,
                MaxNumberOfMessages=min(BATCH_MAX, most - len(seen)),
                VisibilityTimeout=self._held_seconds,
                WaitTimeSeconds=0,
                MessageAttributeNames=["All"],
                AttributeNames=["SentTimestamp"],
            )
            messages = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
            empty = 0 if messages else empty + 1
            seen |= {message["MessageId"] for message in messages}
            yield list(map(_letter, messages))

    def _let_go(self, letters: list[DeadLetter]) -> None:
        entries = [
            {"Id": str(number), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
            for number, letter in enumerate(letters)
        ]
        self._client().change_message_visibility_batch(QueueUrl=self._dead_letters, Entries=entries)


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
        attributes={name: value for name, value in told.items() if value and name not in OURS},
    )
