"""Builds what tells other regions what happens here, and what hears of them."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from chalicelib.errors import Unavailable
from chalicelib.monitoring.families import (
    REPLICATION_LAG,
    REPLICATION_OLDEST,
    REPLICATION_RECEIVED,
    REPLICATION_SENT,
    REPLICATION_SET_ASIDE,
    REPLICATION_WAITING,
)
from chalicelib.monitoring.registry import series_key
from chalicelib.observability import correlation_id, logger
from chalicelib.settings import SettingsError

if TYPE_CHECKING:
    from chalicelib.arena.ports import CommitWatch, Write
    from chalicelib.data.outbox import MongoOutbox
    from chalicelib.data.store import MongoStore
    from chalicelib.messaging.outbox_nudge import OutboxNudge
    from chalicelib.messaging.sqs import NamedQueue, SqsQueue
    from chalicelib.replication.capture import Recorder
    from chalicelib.replication.publisher import Published, Publisher
    from chalicelib.replication.receiver import Received, Receiver
    from chalicelib.replication.signing import Keyring
    from chalicelib.settings import Settings
    from chalicelib.wiring.services import Arena

APPLYING_BUDGET_SECONDS: Final = 4.0
"""Of a batch, or of one event of a batch that could not be applied together."""
UNKNOWN: Final = "unknown"


def keyring(settings: "Settings") -> "Keyring":
    """The regions' keys. Raises SettingsError for a secret that is no keyring."""
    from chalicelib.replication.signing import Keyring, MalformedKeyring

    try:
        return Keyring.parse(settings.replication.secret)
    except MalformedKeyring as error:
        raise SettingsError([f"REPLICATION_SECRET: {error}; allowed: id:secret,id:secret"]) from error


def silent_store(arena: "Arena") -> "MongoStore":
    """It records nothing: what is applied was told by the region it is from."""
    from chalicelib.data.store import MongoStore
    from chalicelib.data.transactions import Transactions

    transactions = Transactions(arena.pools, budget_seconds=APPLYING_BUDGET_SECONDS)
    return MongoStore(arena.operations, transactions, arena.caching.invalidation)


class Watches:
    """``CommitWatch`` of several."""

    def __init__(self, watches: "Sequence[CommitWatch]") -> None:
        self._watches = watches

    def beside(self, writes: "Sequence[Write]") -> "Sequence[Write]":
        return [write for watch in self._watches for write in watch.beside(writes)]

    def committed(self, writes: "Sequence[Write]") -> None:
        for watch in self._watches:
            watch.committed(writes)


class Replication:
    """One environment's part in it. Raises SettingsError for a secret that is no keyring."""

    def __init__(self, arena: "Arena") -> None:
        self._arena = arena
        self._settings = arena.settings.replication
        self._keys = arena.keyring
        self._clock = arena.clock

    @cached_property
    def recorder(self) -> "Recorder":
        from bson import ObjectId

        from chalicelib.replication.capture import Recorder

        settings = self._settings
        return Recorder(self._clock, settings.region, settings.rank, settings.others, ObjectId, correlation_id)

    @cached_property
    def nudge(self) -> "OutboxNudge | None":
        """None in functions that need not be quick to tell."""
        url = self._arena.settings.queues.outbox.messages
        if url is None:
            return None
        from chalicelib.messaging.outbox_nudge import OutboxNudge
        from chalicelib.messaging.sqs import SqsClient, SqsQueue

        queue = SqsQueue(SqsClient(self._settings.region, hurried=True), url)
        return OutboxNudge(
            queue.send,
            self._clock,
            failed=lambda error: logger().warning("publisher not nudged", fault=type(error).__name__),
            correlation=correlation_id,
        )

    def watch(self, other: "CommitWatch | None") -> "CommitWatch":
        """``other``, and whoever is to be told of commits besides."""
        return Watches([watch for watch in (other, self.nudge) if watch is not None])

    @cached_property
    def outbox(self) -> "MongoOutbox":
        from chalicelib.data.outbox import MongoOutbox

        return MongoOutbox(self._arena.operations)

    @cached_property
    def publisher(self) -> "Publisher":
        from chalicelib.data.extended_json import to_json
        from chalicelib.replication.publisher import Publisher

        return Publisher(
            self.outbox,
            {region: self._queue_of(region) for region in self._settings.others},
            self._keys,
            self._clock,
            to_json=to_json,
            monotonic=time.monotonic,
            pause=time.sleep,
            counted=self._count_published,
        )

    @cached_property
    def receiver(self) -> "Receiver":
        from chalicelib.data.extended_json import from_json
        from chalicelib.data.replica import MongoReplica
        from chalicelib.replication.receiver import Receiver

        arena = self._arena
        store = silent_store(arena)
        return Receiver(
            MongoReplica(store),
            self._keys,
            self._settings.others,
            self._clock,
            from_json=from_json,
            counted=self._count_received,
        )

    @cached_property
    def incoming(self) -> "NamedQueue":
        """This region's own queue. Raises ``Unavailable`` where its name is not set."""
        return self._queue_of(self._settings.region)

    @cached_property
    def dead_letters(self) -> "SqsQueue":
        """Raises ``Unavailable`` where there is none: what can't be applied must not vanish."""
        from chalicelib.messaging.sqs import SqsClient, SqsQueue

        url = self._arena.settings.queues.replication.dead_letters
        if url is None:
            raise Unavailable("queue_unavailable", "ARENA_REPLICATION_DLQ_URL is not set")
        return SqsQueue(SqsClient(self._settings.region), url)

    def gauges(self, now: datetime) -> Mapping[str, float]:
        """What the other regions wait for, by series key."""
        found: dict[str, float] = {}
        for region in self._settings.others:
            waiting = self.outbox.waiting(region)
            age = 0.0 if waiting.oldest_at is None else max(0.0, (now - waiting.oldest_at).total_seconds())
            found[series_key(REPLICATION_WAITING, (region,))] = waiting.events
            found[series_key(REPLICATION_OLDEST, (region,))] = age
            found[series_key(REPLICATION_SET_ASIDE, (region,))] = waiting.set_aside
        return found

    def _queue_of(self, region: str) -> "NamedQueue":
        from chalicelib.messaging.sqs import NamedQueue, SqsClient

        if self._settings.queue is None:
            raise Unavailable("queue_unavailable", "ARENA_REPLICATION_QUEUE is not set")
        return NamedQueue(SqsClient(region), self._settings.queue)

    def _count_published(self, region: str, published: "Published") -> None:
        # A line for each claim, not for the run: so its length is bounded, and who dies later has said it.
        logger().info("events sent", target=region, sent=published.sent, correlation_ids=published.correlation_ids)
        outcomes = {"sent": published.sent, "set_aside": published.set_aside, "failed": int(bool(published.failure))}
        for outcome, amount in outcomes.items():
            if amount:
                self._arena.meters.registry.count(REPLICATION_SENT, amount, target=region, outcome=outcome)

    def _count_received(self, received: "Received") -> None:
        source = received.source or UNKNOWN
        labels: dict[str, Any] = {"source": source, "fate": received.fate}
        self._arena.meters.registry.count(REPLICATION_RECEIVED, **labels)
        if received.fate == "applied" and received.lag_seconds is not None:
            self._arena.meters.registry.observe(REPLICATION_LAG, max(0.0, received.lag_seconds), source=source)
