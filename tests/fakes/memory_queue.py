"""A queue in memory, with the side that sends and the side that receives."""

import contextlib
import itertools
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.arena.battle_queue_ports import MessageQueue, OutgoingMessage
from chalicelib.arena.dead_letters import OURS, UNKNOWN_REASON, DeadLetter
from chalicelib.clock import Clock
from chalicelib.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Received:
    """A message as a consumer gets it."""

    message_id: str
    body: str
    attributes: Mapping[str, str]
    receives: int
    receipt: str


class ReceivingQueue(MessageQueue, Protocol):
    """A queue whose other end tests hold as well."""

    def receive(self, most: int = 10) -> list[Received]:
        """Visible messages, hidden from now on."""

    def release(self, message: Received) -> None:
        """Makes a received message visible again at once, as its visibility time-out would later."""

    def delete(self, message: Received) -> None: ...


@dataclass
class _Stored:
    body: str
    attributes: Mapping[str, str]
    visible: bool
    receives: int = 0


@dataclass
class MemoryQueue:
    """``ReceivingQueue``: every message is delivered at least once, hidden while in hands, gone when deleted."""

    down: bool = False
    """As SQS when it can't be reached."""
    _messages: dict[str, _Stored] = field(default_factory=dict)
    _ids: "itertools.count[int]" = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, body: str, *, attributes: Mapping[str, str] | None = None, delay_seconds: int = 0) -> None:
        if self.down:
            raise Unavailable("queue_unavailable", "the queue can't be reached")
        with self._lock:
            kept = {name: value for name, value in (attributes or {}).items() if value}
            self._messages[f"message-{next(self._ids)}"] = _Stored(body, kept, visible=delay_seconds == 0)

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        for message in messages:
            self.send(message.body, attributes=message.attributes, delay_seconds=message.delay_seconds)
        return []

    def receive(self, most: int = 10) -> list[Received]:
        with self._lock:
            found = [(name, stored) for name, stored in self._messages.items() if stored.visible][:most]
            for _, stored in found:
                stored.visible = False
                stored.receives += 1
            return [Received(name, one.body, one.attributes, one.receives, name) for name, one in found]

    def peek(self) -> list[Received]:
        """Visible messages, left as they are: of no use to a consumer, but to a test that only looks."""
        with self._lock:
            found = [(name, one) for name, one in self._messages.items() if one.visible]
            return [Received(name, one.body, one.attributes, one.receives, name) for name, one in found]

    def release(self, message: Received) -> None:
        with self._lock:
            if message.message_id in self._messages:
                self._messages[message.message_id].visible = True

    def delete(self, message: Received) -> None:
        with self._lock:
            self._messages.pop(message.message_id, None)


@dataclass
class MemoryDeadLetters:
    """``dead_letters.DeadLetterQueue`` over two queues in memory."""

    messages: MemoryQueue
    dead: MemoryQueue
    clock: Clock
    stubborn: bool = False
    """Sends, and does not delete."""

    @contextlib.contextmanager
    def held(
        self, most: int, *, wanted: Collection[str] = (), go_on: Callable[[], bool] = lambda: True
    ) -> Iterator[list[DeadLetter]]:
        received: list[Received] = []
        while len(received) < most and go_on() and (page := self.dead.receive(min(10, most - len(received)))):
            received += page
            if wanted and {one.message_id for one in received}.issuperset(wanted):
                break
        try:
            yield [self._letter(one) for one in received]
        finally:
            for one in received:
                self.dead.release(one)

    def send(self, letter: DeadLetter, body: str) -> None:
        self.messages.send(body, attributes=letter.attributes)

    def delete(self, letter: DeadLetter) -> None:
        if self.stubborn:
            raise Unavailable("queue_unavailable", "the queue can't be reached")
        self.dead.delete(Received(letter.message_id, letter.body, {}, 1, letter.receipt))

    def _letter(self, one: Received) -> DeadLetter:
        told = one.attributes
        return DeadLetter(
            message_id=one.message_id,
            receipt=one.receipt,
            body=one.body,
            reason=told.get("reason") or UNKNOWN_REASON,
            attempts=int(told.get("attempts", 0)),
            died_at=self.clock(),
            attributes={name: value for name, value in told.items() if name not in OURS},
        )
