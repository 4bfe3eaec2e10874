"""The battle queue's consumer: fights what was queued."""

from typing import TYPE_CHECKING, Any, Final, cast

from chalice.app import SQSEvent

from chalicelib import wiring
from chalicelib.entrypoints.invocations import InvokedBlueprint
from chalicelib.errors import Unavailable
from chalicelib.observability import correlated, correlation_id, fit_id, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

blueprint: Final = InvokedBlueprint(__name__)

QUEUE: Final = "battles"
BATCH: Final = 10
RESERVE_MILLISECONDS: Final = 9_000
"""With less than that left of the invocation, the rest of a batch is left for another one. It is more than one message
can take: the database's budget, Redis, and SQS three times in vain (the publisher's nudge, leaderboards, then the
result or the dead letter)."""


@blueprint.on_sqs_message(queue=QUEUE, batch_size=BATCH)
def battle_worker(event: SQSEvent) -> dict[str, Any]:
    """Fights a batch; answers which of its messages are to be delivered again."""
    # Late: only this function needs it, and its import takes as long as a battle.
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    from chalicelib.arena.battle_jobs import correlation_of

    context: Any = event.context

    def handle(record: "SQSRecord") -> None:
        if context is not None and context.get_remaining_time_in_millis() < RESERVE_MILLISECONDS:
            logger().warning("no time left for a queued battle", message_id=record.message_id)
            raise Unavailable("out_of_time")
        _handle(record)

    def handle_as_queued(record: "SQSRecord") -> None:
        # The id of the request that queued it: the message has it, and so has a job that is sent again.
        with correlated(fit_id(correlation_of(record.body)) or correlation_id()):
            handle(record)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return cast("dict[str, Any]", process_partial_response(event.to_dict(), handle_as_queued, processor))


def _handle(record: "SQSRecord") -> None:
    from chalicelib.arena.battle_worker import DeliveredMessage

    delivery = DeliveredMessage(record.body, record.message_id, int(record.attributes.approximate_receive_count))
    logger().debug("queued battle taken", receives=delivery.receives, message_id=delivery.message_id)
    try:
        arena = wiring.arena()
        with arena.meters.timed("queue battles"):
            handled = arena.battle_worker.handle(delivery)
    except Exception:
        logger().exception(
            "queued battle to be tried again",
            receives=delivery.receives,
            message_id=delivery.message_id,
        )
        raise
    log = logger().error if handled.outcome == "dead" else logger().info
    log(
        "queued battle",
        outcome=handled.outcome,
        code=handled.code,
        # Only the word it begins with: the rest may quote what was found. The dead letter has all of it.
        reason=handled.reason.partition(":")[0],
        receives=delivery.receives,
        message_id=delivery.message_id,
    )
