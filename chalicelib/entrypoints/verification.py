"""Regions compare what they hold: each asks the others by the clock, and answers them by HTTP."""

from typing import Any, Final

from chalice.app import CloudWatchEvent

from chalicelib import wiring
from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.invocations import InvokedBlueprint
from chalicelib.entrypoints.scheduled import alone
from chalicelib.entrypoints.validation import Anything, Explained
from chalicelib.errors import NotFound
from chalicelib.monitoring.families import REPLICATION_DIFFERENCES
from chalicelib.observability import logger

blueprint: Final = InvokedBlueprint(__name__)
routes: Final = Routes(__name__)

OFF: Final = {"skipped": "one region"}
_TEXTS: Final = (
    *("eventId", "sourceRegion", "entity", "key", "version", "op"),
    *("occurredAt", "sentAt", "keyId", "signature"),
)
QUESTION: Final = {
    name: Explained(Anything(f"{name} of the envelope"), {"type": [kind, "null"]})
    for name, kind in (
        ("format", "integer"),
        ("payload", "object"),
        *((name, "string") for name in ("sequence", *_TEXTS)),
    )
}
"""What another region asks: a signed envelope, whose fields the handler checks."""


@blueprint.schedule("rate(10 minutes)", name="replication_verify")
def replication_verify(_event: CloudWatchEvent) -> dict[str, Any]:
    """Compares the next part of the data with the other regions; changes nothing."""
    arena = wiring.arena()
    verification = arena.verification
    if verification is None:
        return OFF
    report = alone("replication_verify", verification.patrol.run)
    # Without what differs, by name: players' ids are among them.
    told = {name: value for name, value in report.items() if name != "named"}
    if report.get("differences"):
        arena.meters.registry.count(REPLICATION_DIFFERENCES, report["differences"])
        logger().error("regions differ; run ./arena replication verify", **told)
    else:
        (logger().warning if report.get("unreachable") else logger().info)("regions compared", **told)
    return report


@routes.route(
    "POST",
    "/api/replication/digests",
    body=QUESTION,
    summary="Tell another region digests of what is here: its question is a signed envelope",
    answers=(Answer("ReplicationDigests"),),
    refusals={
        400: ("malformed_envelope", "unsupported_format", "malformed_question"),
        401: ("stale", "bad_signature", "unknown_key"),
        403: ("unknown_source",),
        404: ("not_found",),
        413: ("range_too_wide",),
    },
)
def tell_digests(call: Call) -> dict[str, Any]:
    """Never a document: digests and keys."""
    if call.arena.verification is None:
        raise NotFound("not_found", "nothing is replicated here")
    return call.arena.verification.answering.answer(call.sent)
