"""Replication's two ends: the publisher of this region's events, and the receiver of the others'."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, cast

from chalice.app import CloudWatchEvent, SQSEvent

from chalicelib import wiring
from chalicelib.arena.live_announcements import correlation_of
from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.invocations import InvokedBlueprint
from chalicelib.entrypoints.scheduled import for_seconds, scheduled_run
from chalicelib.entrypoints.validation import Anything, Explained
from chalicelib.errors import NotFound, Unavailable
from chalicelib.observability import fit_id, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    from chalicelib.replication.publisher import Published
    from chalicelib.replication.receiver import Received
    from chalicelib.wiring.replication import Replication

blueprint: Final = InvokedBlueprint(__name__)
routes: Final = Routes(__name__)

NUDGES: Final = "outbox"
INCOMING: Final = "replication"
BATCH: Final = 10
PUBLISHING_SECONDS: Final = 15.0
"""A run that has more to do wakes the next one; below the function's time-out by what one call may take."""
RESERVE_MILLISECONDS: Final = 8_000
"""With less than that left of the invocation no further event is applied by itself."""
OFF: Final = {"skipped": "one region"}


@blueprint.on_sqs_message(queue=NUDGES, batch_size=BATCH)
def outbox_publisher(event: SQSEvent) -> dict[str, Any]:
    """Sends what was committed. Any number of nudges ask for the same."""
    nudges = dict.fromkeys(fit_id(correlation_of(record["body"])) for record in event.to_dict()["Records"])
    _publish(wiring.arena().meters.timed("queue outbox"), [one for one in nudges if one])
    return {"batchItemFailures": []}


@blueprint.schedule("rate(1 minute)", name="outbox_sweep")
def outbox_sweep(_event: CloudWatchEvent) -> dict[str, Any]:
    """Sends what nobody was woken for."""
    return _publish(scheduled_run("outbox_sweep"), [], linger_seconds=0.0)


@blueprint.on_sqs_message(queue=INCOMING, batch_size=BATCH)
def replication_receiver(event: SQSEvent) -> dict[str, Any]:
    """Applies a batch; answers which of its messages come again."""
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    arena = wiring.arena()
    with arena.meters.timed("queue replication"):
        again = _receive(_required(arena), event.to_dict()["Records"], event.context)

    def handle(record: "SQSRecord") -> None:
        if record.message_id in again:
            raise Unavailable("comes_again", again[record.message_id].reason)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return cast("dict[str, Any]", process_partial_response(event.to_dict(), handle, processor))


def _publish(work: AbstractContextManager[object], nudged_by: Sequence[str], **linger: float) -> dict[str, Any]:
    """``work`` is entered with the run, where there is anybody to tell."""
    arena = wiring.arena()
    if arena.replication is None:
        return OFF
    go_on = for_seconds(PUBLISHING_SECONDS)
    with work:
        published = arena.replication.publisher.run(go_on, **linger)
    if not go_on() and arena.replication.nudge is not None:
        arena.replication.nudge.nudge()
    report = {region: _published(one) for region, one in published.items()}
    failed = [region for region, one in published.items() if one.failure or one.set_aside]
    (logger().error if failed else logger().info)("events published", regions=report, nudged_by=nudged_by)
    return report


def _published(published: "Published") -> dict[str, Any]:
    return {"sent": published.sent, "set_aside": published.set_aside, "failure": published.failure}


def _receive(replication: "Replication", records: list[dict[str, Any]], context: Any) -> "dict[str, Received]":
    """Messages that come again, by id, with an event of theirs that does; when is said to the queue."""
    from chalicelib.replication.receiver import Delivery

    deliveries = [
        Delivery(record["body"], record["messageId"], int(record["attributes"]["ApproximateReceiveCount"]))
        for record in records
    ]
    results = replication.receiver.delivered(
        deliveries,
        replication.dead_letters,
        lambda: context is None or context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS,
    )
    _log(results)
    again = {name: one for name, received in results.items() for one in received if one.fate == "again"}
    receipts = {record["messageId"]: record["receiptHandle"] for record in records}
    if again:
        try:
            replication.incoming.show_again({receipts[name]: one.again_seconds for name, one in again.items()})
        except Unavailable:
            logger().warning("messages come again later than they should", messages=len(again))
    return again


def _log(results: "Mapping[str, Sequence[Received]]") -> None:
    told = [
        {
            "fate": one.fate,
            "event_id": one.event_id,
            "source": one.source,
            "request_id": one.request_id,
            "correlation_id": fit_id(one.correlation_id),
            # Only the word it begins with: the rest may quote what was found. The dead letter has all of it.
            "reason": one.reason.partition(":")[0],
            "lag_ms": None if one.lag_seconds is None else round(one.lag_seconds * 1000),
        }
        for received in results.values()
        for one in received
    ]
    fates = {one["fate"] for one in told}
    log = logger().error if "dead" in fates else logger().warning if "again" in fates else logger().info
    log("events received", events=told)


def _required(arena: wiring.Arena) -> "Replication":
    if arena.replication is None:
        raise NotFound("not_found", "nothing is replicated here")
    return arena.replication


_ENVELOPE: Final = {"$ref": "#/components/schemas/ReplicationEnvelope"}


def _envelope_field(name: str, kind: str) -> Explained:
    return Explained(Anything(f"{name} of the envelope, where the body is one"), {"type": [kind, "null"]})


@routes.route(
    "POST",
    "/api/replication/receive",
    body={
        "events": Explained(
            Anything("Envelopes; without it the body is one"),
            {"type": ["array", "null"], "items": _ENVELOPE, "minItems": 1, "maxItems": 10},
        ),
        "format": _envelope_field("format", "integer"),
        **{
            name: _envelope_field(name, "string")
            for name in (
                *("eventId", "sourceRegion", "sequence", "entity", "key", "version", "op"),
                *("occurredAt", "sentAt", "keyId", "signature"),
            )
        },
        "payload": _envelope_field("payload", "object"),
    },
    summary="Take events of another region: one envelope, or up to ten",
    answers=(Answer("ReplicationReceived"),),
    refusals={
        400: ("malformed_envelope", "unsupported_format", "poison_payload", "too_old"),
        401: ("stale", "bad_signature", "unknown_key"),
        403: ("unknown_source",),
        404: ("not_found",),
        413: ("too_many_events",),
    },
)
def receive_events(call: Call) -> dict[str, Any]:
    """All of them or none. What was applied before is a duplicate; what is early must be sent again."""
    from chalicelib.replication.receiver import several

    replication = _required(call.arena)
    results = replication.receiver.posted(several(call.sent) or [call.sent])
    logger().info(
        "events posted",
        events=[
            {"event_id": one.event_id, "fate": one.fate, "correlation_id": fit_id(one.correlation_id)}
            for one in results
        ],
    )
    return {"events": [{"eventId": one.event_id, "fate": _word(one.fate)} for one in results]}


def _word(fate: str) -> str:
    return "early" if fate == "again" else fate
