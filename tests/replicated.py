"""Regions in memory that tell each other what happens, to test the way of an event with."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bson import ObjectId

from chalicelib.arena import outbox
from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.data.extended_json import from_json, to_json
from chalicelib.replication.capture import Recorder
from chalicelib.replication.conversion import envelope_of, iso
from chalicelib.replication.envelope import Envelope
from chalicelib.replication.publisher import Published, Publisher
from chalicelib.replication.receiver import Delivery, Received, Receiver
from chalicelib.replication.signing import Keyring
from chalicelib.replication.versions import next_version
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_outbox import MemoryOutbox
from tests.fakes.memory_queue import MemoryQueue
from tests.fakes.memory_replica import MemoryReplica
from tests.fakes.memory_store import MemoryPlayers, MemoryStore
from tests.worlds import NOON

HERE, EAST, WEST = "us-east-1", "ap-southeast-1", "eu-west-1"
SECRET = "k1:0123456789abcdef0123456789abcdef"
KEYRING = Keyring.parse(SECRET)
OTHER_KEYRING = Keyring.parse("k2:fedcba9876543210fedcba9876543210")


def signed(changes: list[Any], keyring: Keyring = KEYRING, **fields: Any) -> Envelope:
    """An envelope of ``HERE`` about ``changes``, sent at noon; ``fields`` by their Python names."""
    envelope = Envelope(
        event_id="5f0c2a115f0c2a115f0c2a11",
        source_region=HERE,
        entity="users",
        key="1",
        version=next_version(NOON, (), 15),
        op="change",
        payload={"changes": changes, "requestId": "r"},
        occurred_at=iso(NOON),
        sent_at=iso(NOON),
    )
    return keyring.sign(replace(envelope, **fields))


def nested() -> list[Any]:
    """A list that can be signed and sent, and is nested deeper than it can be read."""
    # Where there are fractions, ``canonical`` goes a way that goes deeper.
    found: list[Any] = []
    for _ in range(700):
        found = [1.5, found]
    return found


@dataclass
class Source:
    """Region ``HERE``, and the queues of the two others."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    queues: dict[str, MemoryQueue] = field(default_factory=lambda: {EAST: MemoryQueue(), WEST: MemoryQueue()})
    seconds: float = 0.0
    """Of the monotonic clock: moved by pauses."""
    paused: list[float] = field(default_factory=list)
    outbox_of: Callable[[MemoryDatabase], MemoryOutbox] = MemoryOutbox
    correlation_id: str = ""
    """Of whoever changes something."""

    @property
    def outbox(self) -> MemoryOutbox:
        return self.outbox_of(self.database)

    @property
    def players(self) -> MemoryPlayers:
        recorder = Recorder(self.clock, HERE, 15, (EAST, WEST), ObjectId, lambda: self.correlation_id)
        return MemoryPlayers(self.database, MemoryStore(self.database, recorder))

    def change(self, number: int = 1, name: str = "n") -> None:
        """Somebody is called something: one event."""
        self.players.upsert_player(str(number), {"username": name}, self.clock())

    def events(self) -> list[Document]:
        return self.database.now().find(outbox.COLLECTION)

    def publisher(
        self, keyring: Keyring = KEYRING, counted: Callable[[str, Published], None] | None = None
    ) -> Publisher:
        return Publisher(
            self.outbox,
            self.queues,
            keyring,
            self.clock,
            to_json=to_json,
            monotonic=lambda: self.seconds,
            pause=self.pause,
            **({} if counted is None else {"counted": counted}),
        )

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.seconds += seconds
        self.clock.advance(seconds)

    def envelopes(self, keyring: Keyring = KEYRING) -> list[Envelope]:
        """Of all events, signed now."""
        return [keyring.sign(envelope_of(event, sent_at=self.clock(), to_json=to_json)) for event in self.events()]


@dataclass
class Target:
    """Region ``WEST``, which believes the two others."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON + timedelta(seconds=1)))
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    dead: MemoryQueue = field(default_factory=MemoryQueue)
    counted: list[Received] = field(default_factory=list)
    store: Any = None

    def __post_init__(self) -> None:
        self.store = self.store or MemoryReplica(MemoryStore(self.database))

    @property
    def receiver(self) -> Receiver:
        return Receiver(self.store, KEYRING, (HERE, EAST), self.clock, from_json=from_json, counted=self.counted.append)

    def deliver(self, *bodies: str, receives: int = 1) -> list[Received]:
        deliveries = [Delivery(body, f"m{number}", receives) for number, body in enumerate(bodies)]
        results = self.receiver.delivered(deliveries, self.dead)
        return [one for delivery in deliveries for one in results[delivery.message_id]]

    def names(self) -> dict[str, str]:
        return {user["telegramId"]: user["username"] for user in self.database.now().find("users")}
