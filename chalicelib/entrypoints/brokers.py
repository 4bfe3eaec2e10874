"""Brokers over HTTP: create, list, train, repair, upgrade, combine."""

import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from chalicelib.arena.jstext import js_trim
from chalicelib.arena.stats import STATS
from chalicelib.entrypoints.http import Answer, Call, Reply, Routes
from chalicelib.entrypoints.validation import Anything, Explained, ObjectIdText, Schema, Text

if TYPE_CHECKING:
    from chalicelib.arena.broker_service import ActionRequest

routes = Routes(__name__)

_ACTION_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")

_REQUEST_ID: Final = Anything(
    "The action's idempotency id: 1 to 128 letters, digits and ._:- characters. Anything else is passed over for the "
    "X-Request-Id header, and that for a fresh UUID."
)
ONE_BROKER: Schema = {"brokerId": ObjectIdText(required=True), "requestId": _REQUEST_ID}
ONE_STAT: Schema = {**ONE_BROKER, "stat": Explained(Text(), {"enum": list(STATS)}, needed=True)}
TWO_BROKERS: Schema = {
    "baseBrokerId": ObjectIdText(required=True),
    "sacrificeBrokerId": ObjectIdText(required=True),
    "requestId": _REQUEST_ID,
}


@routes.route(
    "POST",
    "/api/brokers/starter",
    authenticated=True,
    summary="Make a starter broker; each call makes one more",
    answers=(Answer("Broker", 201),),
)
def create_starter(call: Call) -> Reply:
    return Reply(call.arena.brokers.starter(call.telegram_id), status=201)


@routes.route(
    "GET",
    "/api/brokers/mine",
    authenticated=True,
    summary="The player's brokers, newest first",
    answers=(Answer("Brokers"),),
)
def list_mine(call: Call) -> list[dict[str, Any]]:
    return call.arena.brokers.mine(call.telegram_id)


@routes.route(
    "POST",
    "/api/brokers/train",
    authenticated=True,
    body=ONE_STAT,
    summary="Raise a stat by one, for NEUR",
    answers=(Answer("PaidInNeur"),),
    refusals={400: ("invalid stat",), 403: ("not your broker", "insufficient NEUR"), 404: ("broker not found",)},
)
def train(call: Call) -> dict[str, Any]:
    return call.arena.brokers.train(_action(call), call.body["brokerId"], call.body.get("stat")).body


@routes.route(
    "POST",
    "/api/brokers/repair",
    authenticated=True,
    body=ONE_BROKER,
    summary="Fill the energy and clear the cooldowns, for NEUR",
    answers=(Answer("PaidInNeur"),),
    refusals={403: ("not your broker", "insufficient NEUR"), 404: ("broker not found",)},
)
def repair(call: Call) -> dict[str, Any]:
    return call.arena.brokers.repair(_action(call), call.body["brokerId"]).body


@routes.route(
    "POST",
    "/api/brokers/upgrade",
    authenticated=True,
    body=ONE_STAT,
    summary="Raise a stat by two and the level by one, for AIBA",
    answers=(Answer("PaidInAiba"),),
    refusals={400: ("invalid stat",), 403: ("not your broker", "insufficient AIBA"), 404: ("broker not found",)},
)
def upgrade(call: Call) -> dict[str, Any]:
    return call.arena.brokers.upgrade(_action(call), call.body["brokerId"], call.body.get("stat")).body


@routes.route(
    "POST",
    "/api/brokers/combine",
    authenticated=True,
    body=TWO_BROKERS,
    summary="Merge one broker into another, for NEUR; the sacrificed one is gone",
    answers=(Answer("PaidInNeur"),),
    refusals={
        400: ("base and sacrifice must be different brokers",),
        403: ("not your broker", "insufficient NEUR"),
        404: ("base broker not found", "sacrifice broker not found"),
    },
)
def combine(call: Call) -> dict[str, Any]:
    return call.arena.brokers.combine(_action(call), call.body["baseBrokerId"], call.body["sacrificeBrokerId"]).body


def _action(call: Call) -> "ActionRequest":
    from chalicelib.arena.broker_service import ActionRequest

    return ActionRequest(telegram_id=call.telegram_id, request_id=action_id(call))


def action_id(call: Call) -> str:
    """The action's idempotency id: the body's requestId, else the caller's X-Request-Id, else a fresh one.

    A source that isn't 1 to 128 of letters, digits and ``._:-`` is passed over.
    """
    for candidate in (call.sent.get("requestId"), call.request_id):
        if isinstance(candidate, str) and _ACTION_ID.fullmatch(js_trim(candidate)):
            return js_trim(candidate)
    return str(uuid.uuid4())
