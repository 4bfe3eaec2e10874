"""The live queue's consumer: pushes results and standings to those who are connected."""

from typing import Any, Final

from chalice.app import Blueprint, SQSEvent

from chalicelib import wiring
from chalicelib.arena.live_announcements import (
    Announcement,
    BoardChanged,
    IllegibleAnnouncement,
    MoreFollowers,
    ResultReady,
    from_message,
)
from chalicelib.arena.live_push import LivePush, Pushed
from chalicelib.entrypoints import wire
from chalicelib.observability import logger

blueprint: Final = Blueprint(__name__)

QUEUE: Final = "live"
BATCH: Final = 10
RESERVE_MILLISECONDS: Final = 18_000
"""Time one announcement may take at worst (two leaderboards, each to connections that do not answer); with less than
that left of the invocation, the rest of a batch is left for another one."""


@blueprint.on_sqs_message(queue=QUEUE, batch_size=BATCH)
def live_push(event: SQSEvent) -> dict[str, Any]:
    """Delivers a batch; answers which of its messages are to be tried again."""
    read = [(record["messageId"], _read(record["body"])) for record in event.to_dict()["Records"]]
    # Results first: a player waits for them.
    found_once = dict.fromkeys(found for _, found in read if found is not None)
    wanted = sorted(found_once, key=lambda one: not isinstance(one, ResultReady))
    done = {announcement: _time_left(event.context) and _deliver(announcement) for announcement in wanted}
    failed = [message_id for message_id, found in read if found is None or not done[found]]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _read(body: str) -> Announcement | None:
    try:
        return from_message(body)
    except IllegibleAnnouncement as error:
        logger().error("live announcement illegible", reason=str(error))
        return None


def _deliver(announcement: Announcement) -> bool:
    """Whether that is done with: a result that didn't reach a living connection is tried again, a board is not."""
    try:
        arena = wiring.arena()
        with arena.meters.timed("queue live"):
            pushed = _push(arena.live_push, announcement)
    except Exception:  # noqa: BLE001 - one announcement must not keep the others of its batch
        logger().exception("live push failed", kind=type(announcement).__name__)
        return False
    logger().info(
        "live push",
        kind=type(announcement).__name__,
        delivered=pushed.delivered,
        gone=pushed.gone,
        failed=pushed.failed,
    )
    return not (isinstance(announcement, ResultReady) and pushed.failed)


def _push(live: LivePush, announcement: Announcement) -> Pushed:
    match announcement:
        case ResultReady(telegram_id, request_id):
            return live.result(telegram_id, request_id, wire.dumps)
        case BoardChanged(board):
            return live.board(board, wire.dumps)
        case MoreFollowers(feed, after):
            return live.page(feed, after, wire.dumps)


def _time_left(context: Any) -> bool:
    return context is None or context.get_remaining_time_in_millis() > RESERVE_MILLISECONDS
