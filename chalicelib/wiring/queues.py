"""Builds what battles are queued with."""

from typing import TYPE_CHECKING

from chalicelib.errors import Unavailable
from chalicelib.observability import correlation_id, logger

if TYPE_CHECKING:
    from chalicelib.arena.battle_queue import BattleQueue
    from chalicelib.arena.battle_queue_ports import Fights
    from chalicelib.arena.battle_worker import BattleWorker
    from chalicelib.clock import Clock
    from chalicelib.data.operations import Operations
    from chalicelib.messaging.live_queue import SqsLiveQueue
    from chalicelib.messaging.sqs import SqsClient
    from chalicelib.settings import Settings


def battle_queue(settings: "Settings", operations: "Operations", sqs: "SqsClient", clock: "Clock") -> "BattleQueue":
    from chalicelib.arena.battle_queue import BattleQueue
    from chalicelib.data.battle_jobs import MongoBattleJobs
    from chalicelib.data.catalogue import MongoCatalogue
    from chalicelib.messaging.sqs import SqsQueue

    url = settings.queues.battles.messages
    queue = None if url is None else SqsQueue(sqs, url)
    return BattleQueue(MongoBattleJobs(operations), MongoCatalogue(operations), queue, clock)


def live_queue(settings: "Settings", sqs: "SqsClient", clock: "Clock") -> "SqsLiveQueue | None":
    """None where nobody is connected: results are asked for then."""
    url = settings.queues.live.messages
    if url is None:
        return None
    from chalicelib.messaging.live_queue import SqsLiveQueue
    from chalicelib.messaging.sqs import SqsClient, SqsQueue

    return SqsLiveQueue(
        SqsQueue(sqs, url).send,
        SqsQueue(SqsClient(settings.region, hurried=True), url).send,
        clock,
        lambda error: logger().warning("live announcement not sent", fault=type(error).__name__),
        correlation_id,
    )


def battle_worker(
    settings: "Settings",
    operations: "Operations",
    fights: "Fights",
    clock: "Clock",
    budget_seconds: float,
) -> "BattleWorker":
    """Raises ``Unavailable`` where there is no dead-letter queue: what can't be fought must not vanish."""
    from functools import partial

    from chalicelib.arena.battle_worker import BattleWorker
    from chalicelib.data.battle_jobs import MongoBattleJobs
    from chalicelib.data.operations import shared_budget
    from chalicelib.messaging.sqs import SqsClient, SqsQueue

    url = settings.queues.battles.dead_letters
    if url is None:
        raise Unavailable("queue_unavailable", "ARENA_BATTLE_DLQ_URL is not set")
    # An announcement may be lost, and a message that can't be buried comes again: neither is worth the batch's time.
    sqs = SqsClient(settings.region, hurried=True)
    return BattleWorker(
        fights,
        MongoBattleJobs(operations),
        SqsQueue(sqs, url),
        live_queue(settings, sqs, clock),
        clock,
        budget=partial(shared_budget, budget_seconds),
    )
