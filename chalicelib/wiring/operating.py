"""Builds what operators see of the region and do to it."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from chalicelib.errors import NotFound
from chalicelib.monitoring.families import (
    QUEUE_MESSAGES,
    REPLICATION_DIFFERENCES,
    REPLICATION_RECEIVED,
    REPLICATION_SENT,
)
from chalicelib.monitoring.registry import series_key
from chalicelib.observability import logger
from chalicelib.wiring import homes

if TYPE_CHECKING:
    from chalicelib.arena.dead_letters import DeadLetters, Judge
    from chalicelib.arena.operator_journal import OperatorJournal
    from chalicelib.arena.queue_watch import QueueWatch
    from chalicelib.messaging.sqs import SqsClient, SqsQueue
    from chalicelib.monitoring.registry import Values
    from chalicelib.replication.overview import Counted
    from chalicelib.wiring.failover import Failover
    from chalicelib.wiring.services import Arena

HELD_SECONDS: Final = 30
"""How long letters stay hidden when the environment that looks at them dies: little more than a request lasts."""


class Operating:
    """One environment's."""

    def __init__(self, arena: "Arena") -> None:
        self._arena = arena
        self._settings = arena.settings

    @cached_property
    def journal(self) -> "OperatorJournal":
        from chalicelib.arena.operator_journal import OperatorJournal
        from chalicelib.data.operators import MongoOperators

        arena = self._arena
        return OperatorJournal(MongoOperators(arena.store, arena.operations), arena.clock)

    @cached_property
    def queues(self) -> "QueueWatch":
        from chalicelib.arena.queue_watch import QueueWatch

        urls = self._settings.queues.all()
        both = {name: (self._queue(one.messages), self._queue(one.dead_letters)) for name, one in urls.items()}
        return QueueWatch(both)

    def dead_letters(self, name: str) -> "DeadLetters":
        """Of the queue ``name``. Raises ``NotFound("queue_unknown")`` where it is not known, or not used."""
        from chalicelib.arena.dead_letters import DeadLetters
        from chalicelib.messaging.dead_letters import SqsDeadLetters

        urls, client = self._settings.queues.all()[name], self.sqs
        if urls.messages is None or urls.dead_letters is None:
            raise NotFound("queue_unknown", f"where the queue {name} is, is not known here")
        queue = SqsDeadLetters(lambda: client.raw, urls.messages, urls.dead_letters, held_seconds=HELD_SECONDS)
        return DeadLetters(queue, self._judge(name), self._arena.clock)

    def gauges(self, _now: datetime) -> Mapping[str, float]:
        """What waits in each queue, by series key."""
        return {
            series_key(QUEUE_MESSAGES, (queue.name, state)): count
            for queue in self.queues.states()
            for state, count in queue.counts().items()
        }

    @cached_property
    def failover(self) -> "Failover | None":
        """None where there is one region only."""
        from chalicelib.wiring.failover import Failover

        return Failover(self._arena) if self._settings.replication.is_on else None

    def regions_seen(self) -> list[Any]:
        """The regions as this one sees them, as JSON. Raises ``Unavailable``."""
        arena = self._arena
        return homes.regions_seen(self._settings, arena.operations, arena.region_roles, arena.clock)

    def replication_seen(self) -> dict[str, Any]:
        """What this region and the others told each other, as JSON. Raises ``Unavailable``."""
        from chalicelib.data.patrol import MongoPatrolMemory
        from chalicelib.data.region_log import MongoRegionLog
        from chalicelib.replication.overview import CONFLICTS_COUNTED, EVENTS_LOOKED_AT, RECENT, exchanged

        arena, replication = self._arena, self._settings.replication
        now, log = arena.clock(), MongoRegionLog(arena.operations)
        seen: dict[str, Any] = {"region": self._settings.region, "at": now, "replicating": replication.is_on}
        if not replication.is_on:
            return seen | {"peers": [], "differencesTotal": None, "conflictsRecent": 0, "lastVerify": None}
        totals = self._totals(now)
        counted = None if totals is None else {region: counts(totals, region) for region in replication.others}
        waiting = {region: log.waiting(region) for region in replication.others}
        verified = MongoPatrolMemory(arena.operations).last()
        return seen | {
            "peers": exchanged(self._settings.region, log.applied(EVENTS_LOOKED_AT), waiting, counted, now),
            "differencesTotal": None if totals is None else totals.get(series_key(REPLICATION_DIFFERENCES, ()), 0),
            "conflictsRecent": log.conflicts_since(now - RECENT, CONFLICTS_COUNTED),
            "lastVerify": verified
            and {
                "at": verified[1],
                "collection": verified[0].collection,
                "rounds": verified[0].rounds,
                "suspects": len(verified[0].suspects),
            },
        }

    def _totals(self, now: datetime) -> "Values | None":
        try:
            return self._arena.shared_metrics.state(now).totals
        except Exception as error:  # noqa: BLE001 - whatever it fails with, the rest is true
            logger().warning("shared metrics not known", fault=type(error).__name__)
            return None

    def _judge(self, name: str) -> "Judge":
        from chalicelib.arena.live_replay import AnnouncementReplay, NudgeReplay

        if name == "live":
            return AnnouncementReplay()
        if name == "outbox":
            return NudgeReplay()
        if name == "battles":
            from chalicelib.arena.battle_replay import BattleReplay
            from chalicelib.data.battle_jobs import MongoBattleJobs

            return BattleReplay(MongoBattleJobs(self._arena.operations))
        if not self._settings.replication.is_on:
            raise NotFound("queue_unknown", "nothing is replicated here")
        from chalicelib.replication.dead_letters import EventReplay

        return EventReplay(self._arena.keyring, self._settings.replication.others)

    @cached_property
    def sqs(self) -> "SqsClient":
        from chalicelib.messaging.sqs import SqsClient

        # Somebody waits: what does not answer is said so.
        return SqsClient(self._settings.region, hurried=True)

    def _queue(self, url: str | None) -> "SqsQueue | None":
        from chalicelib.messaging.sqs import SqsQueue

        return None if url is None else SqsQueue(self.sqs, url)


def counts(totals: "Values", region: str) -> "Counted":
    """Of ``totals``, what concerns ``region``."""
    from chalicelib.replication.overview import FATES, Counted

    return Counted(
        sent=totals.get(series_key(REPLICATION_SENT, (region, "sent")), 0),
        failed=totals.get(series_key(REPLICATION_SENT, (region, "failed")), 0),
        received={fate: totals.get(series_key(REPLICATION_RECEIVED, (region, fate)), 0) for fate in FATES},
    )
