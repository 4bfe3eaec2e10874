"""Queues between regions that behave as SQS does at its worst: at least once, in any order, some links cut."""

import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

TAMPERED: Final = (
    *("eventId", "sourceRegion", "sequence", "entity", "key", "version", "op", "occurredAt", "sentAt", "keyId"),
    *("signature", "payload"),
)


@dataclass(slots=True)
class Message:
    """``forged``: changed by somebody on the way."""

    body: bytes
    forged: str = ""
    due: int = 0
    """After so many deliveries of anything, to anybody."""


@dataclass(slots=True)
class Network:
    """One queue per region."""

    random: Random
    queues: dict[str, list[Message]]
    cut: set[tuple[str, str]] = field(default_factory=set)
    """Directed links that are down."""
    happened: Counter[str] = field(default_factory=Counter)
    deliveries: int = 0

    def send(self, source: str, target: str, body: bytes) -> bool:
        """Whether the sender got an answer; the message may be in the queue all the same."""
        if (source, target) in self.cut:
            self.happened["cut off"] += 1
            return False
        copies = 1 + (self.random.random() < 0.15)
        self.happened["duplicated"] += copies - 1
        for _ in range(copies):
            delay = self.random.choice((0, 0, 0, 3, 12))
            self.queues[target].append(Message(body, due=self.deliveries + delay))
        if self.random.random() < 0.04:
            self.queues[target].append(forged(body, self.random))
        if self.random.random() < 0.05:
            self.happened["answer lost"] += 1
            return False
        return True

    def take(self, target: str, most: int) -> list[Message]:
        """Some messages, any of them: they stay until ``done``."""
        self.deliveries += 1
        due = [message for message in self.queues[target] if message.due <= self.deliveries]
        return self.random.sample(due, min(len(due), most))

    def done(self, target: str, message: Message) -> None:
        """By identity: a copy of it stays."""
        queue = self.queues[target]
        del queue[next(place for place, other in enumerate(queue) if other is message)]


def forged(body: bytes, random: Random) -> Message:
    """``body`` with one field changed into something else that is well-formed."""
    envelope: dict[str, Any] = json.loads(body)
    name = random.choice(TAMPERED)
    value = envelope[name]
    if name == "payload":
        envelope[name] = {**value, "requestId": f"{value['requestId']}x"}
    elif name == "keyId":
        envelope[name] = "second" if value == "first" else "first"
    elif name == "version":
        # Of another region: the sequence still belongs to it.
        envelope[name] = f"{value[:-1]}{(int(value[-1], 16) + 1) % 3}"
    elif name in ("eventId", "sequence", "signature"):
        envelope[name] = f"{'0' if value[0] != '0' else '1'}{value[1:]}"
    elif name in ("occurredAt", "sentAt"):
        envelope[name] = f"{value[:-2]}{'0' if value[-2] != '0' else '1'}Z"
    else:
        envelope[name] = f"{value}x"
    return Message(json.dumps(envelope).encode(), forged=name)
