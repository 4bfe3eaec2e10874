"""Failover by an operator's request, and the part other regions have in it."""

import secrets
from typing import TYPE_CHECKING, Any, Final

from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.operating import by
from chalicelib.entrypoints.validation import Boolean, Text
from chalicelib.entrypoints.verification import QUESTION
from chalicelib.errors import BadRequest, Conflict, NotFound
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.replication.failover import Report, Takeover
    from chalicelib.wiring.failover import Failover

routes: Final = Routes(__name__)

_REGION: Final = Text(max_length=40)


@routes.route(
    "POST",
    "/api/ops/failover",
    operator=True,
    body={"from": _REGION, "return": _REGION, "to": _REGION, "force": Boolean(), "dryRun": Boolean()},
    summary="Let another region serve a failed one's players, or give them back",
    answers=(Answer("Failover"),),
    refusals={
        400: ("failover_ambiguous",),
        409: ("failover_refused",),
        503: ("failover_unfinished", "home_unreachable", "region_refused", "region_illegible"),
    },
)
def fail_over(call: Call) -> dict[str, Any]:
    """Say `from` or `return`. It takes seconds; nobody serves those players from its fence on until it is done.

    `catching_up`: nothing was changed yet, send the same again. 503: send the same again at once; after
    `failover_unfinished` nobody serves those players until then.
    """
    from chalicelib.replication.failover import FailoverRefused

    failover = _required(call)
    failed, returning = call.body.get("from"), call.body.get("return")
    if (failed is None) == (returning is None):
        raise BadRequest("failover_ambiguous", "say from, or return: one of them")
    desk = failover.desk()
    try:
        takeover = desk.plan(
            failed=failed, to=call.body.get("to"), returning=returning, force=call.body.get("force", False)
        )
        if call.body.get("dryRun", False):
            return _told(takeover)
        _note(call, takeover)
        report = desk.carry_out(takeover, secrets.token_hex(8))
    except FailoverRefused as refusal:
        details = {"reasons": list(refusal.reasons)}
        raise Conflict("failover_refused", "; ".join(refusal.reasons), details=details) from refusal
    answer = _told(takeover, report)
    logger().warning("failover", **answer)
    return answer


@routes.route(
    "POST",
    "/api/replication/hand",
    rate_class="regions",
    body=QUESTION,
    summary="Do this region's part in a failover that another region carries out: its question is a signed envelope",
    answers=(Answer("ReplicationHand"),),
    refusals={
        400: ("malformed_envelope", "unsupported_format", "malformed_question"),
        401: ("stale", "bad_signature", "unknown_key"),
        403: ("unknown_source",),
        404: ("not_found",),
    },
)
def lend_hand(call: Call) -> dict[str, Any]:
    """Roles, ids of events, events, and applying them. Each may be repeated; all are for other regions only."""
    operation, result = _required(call).handing.answer(call.sent)
    if operation in ("write_role", "apply"):
        logger().warning("hand lent", operation=operation)
    return result


def _required(call: Call) -> "Failover":
    failover = call.arena.operating.failover
    if failover is None:
        raise NotFound("not_found", "nothing is replicated here")
    return failover


def _note(call: Call, takeover: "Takeover") -> None:
    back = takeover.of == takeover.serving
    call.arena.operating.journal.note(
        "failover.return" if back else "failover.take_over",
        by(call),
        entity="region",
        entity_id=takeover.of,
        after={
            "serving": takeover.serving,
            "epoch": takeover.epoch + 1,
            "forced": takeover.forced,
            "unreachable": list(takeover.unreachable),
        },
    )


def _told(takeover: "Takeover", report: "Report | None" = None) -> dict[str, Any]:
    state = "planned" if report is None else "done" if report.caught_up else "catching_up"
    return {
        "state": state,
        "of": takeover.of,
        "serving": takeover.serving,
        "epoch": takeover.epoch + 1,
        "steps": list(takeover.steps),
        "reachable": list(takeover.reachable),
        "unreachable": list(takeover.unreachable),
        "drained": {} if report is None else dict(report.drained),
        "early": 0 if report is None else report.early,
        "tooOld": 0 if report is None else report.too_old,
        "unservedSeconds": round(report.unserved_seconds, 3) if report is not None and state == "done" else None,
    }
