"""The live queue's consumer: pushes results and standings to those who are connected."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from chalice.app import SQSEvent

from chalicelib import wiring
from chalicelib.arena.live_announcements import (
    Announcement,
    BoardChanged,
    IllegibleAnnouncement,
    MoreFollowers,
    ResultReady,
    correlation_of,
    from_message,
)
from chalicelib.entrypoints import wire
from chalicelib.entrypoints.invocations import InvokedBlueprint
from chalicelib.observability import correlated, correlation_id, fit_id, logger

if TYPE_CHECKING:
    from chalicelib.arena.live_push import LivePush, Pushed

blueprint: Final = InvokedBlueprint(__name__)

QUEUE: Final = "live"
BATCH: Final = 10
RESERVE_MILLISECONDS: Final = 18_000
"""Time one announcement may take at worst (two leaderboards, each to connections that do not answer); with less than
that left of the invocation, the rest of a batch is left for another one."""


@blueprint.on_sqs_message(queue=QUEUE, batch_size=BATCH)
def live_push(event: SQSEvent) -> dict[str, Any]:
    """Delivers a batch; answers which of its messages are to be tried again."""
    read = [(record["messageId"], _read(record)) for record in event.to_dict()["Records"]]
    ids = _ids(event.to_dict()["Records"], [found for _, found in read])
    # Results first: a player waits for them.
    wanted = sorted(ids, key=lambda one: not isinstance(one, ResultReady))
    done = {
        announcement: _time_left(event.context) and _deliver(announcement, ids[announcement]) for announcement in wanted
    }
    failed = [message_id for message_id, found in read if found is None or not done[found]]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _read(record: Mapping[str, Any]) -> Announcement | None:
    try:
        return from_message(record["body"])
    except IllegibleAnnouncement:
        logger().error("live announcement illegible", message_id=record["messageId"])
        return None


def _ids(
    records: Sequence[Mapping[str, Any]], announcements: Sequence[Announcement | None]
) -> dict[Announcement, list[str]]:
    """Each announcement once, with the correlation ids of its messages."""
    found: dict[Announcement, dict[str, None]] = {}
    for record, announcement in zip(records, announcements, strict=True):
        if announcement is not None:
            found.setdefault(announcement, {})[fit_id(correlation_of(record["body"]))] = None
    return {announcement: [one for one in ids if one] for announcement, ids in found.items()}


def _deliver(announcement: Announcement, ids: list[str]) -> bool:
    """Whether that is done with: a result that didn't reach a living connection is tried again, a board is not."""
    with correlated(ids[0] if ids else correlation_id()):
        return _delivered(announcement, {"correlation_ids": ids} if len(ids) > 1 else {})


def _delivered(announcement: Announcement, others: Mapping[str, Any]) -> bool:
    """``others``: the ids of the same announcement's other messages, for the log."""
    try:
        arena = wiring.arena()
        with arena.meters.timed("queue live"):
            pushed = _push(arena.live_push, announcement)
    except Exception:  # noqa: BLE001 - one announcement must not keep the others of its batch
        logger().exception("live push failed", kind=type(announcement).__name__, **others)
        return False
    logger().info(
        "live push",
        kind=type(announcement).__name__,
        delivered=pushed.delivered,
        gone=pushed.gone,
        failed=pushed.failed,
        **others,
    )
    return not (isinstance(announcement, ResultReady) and pushed.failed)


def _push(live: "LivePush", announcement: Announcement) -> "Pushed":
    match announcement:
        case ResultReady(telegram_id, request_id):
            return live.result(telegram_id, request_id, wire.dumps)
        case BoardChanged(board):
            return live.board(board, wire.dumps)
        case MoreFollowers(feed, after):
            return live.page(feed, after, wire.dumps)


def _time_left(context: Any) -> bool:
    return context is None or context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS
