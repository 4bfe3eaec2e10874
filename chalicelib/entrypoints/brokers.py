"""Brokers over HTTP: create, list, train, repair, upgrade, combine."""

import re
import uuid
from typing import Any, Final

from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.jstext import js_trim
from chalicelib.entrypoints.http import Call, Reply, Routes
from chalicelib.entrypoints.validation import ObjectIdText, Schema, Text

routes = Routes(__name__)

_ACTION_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")

ONE_BROKER: Schema = {"brokerId": ObjectIdText(required=True)}
ONE_STAT: Schema = {**ONE_BROKER, "stat": Text()}
TWO_BROKERS: Schema = {
    "baseBrokerId": ObjectIdText(required=True),
    "sacrificeBrokerId": ObjectIdText(required=True),
}


@routes.route("POST", "/api/brokers/starter", authenticated=True)
def create_starter(call: Call) -> Reply:
    return Reply(call.arena.brokers.starter(call.telegram_id), status=201)


@routes.route("GET", "/api/brokers/mine", authenticated=True)
def list_mine(call: Call) -> list[dict[str, Any]]:
    return call.arena.brokers.mine(call.telegram_id)


@routes.route("POST", "/api/brokers/train", authenticated=True, body=ONE_STAT)
def train(call: Call) -> dict[str, Any]:
    return call.arena.brokers.train(_action(call), call.body["brokerId"], call.body.get("stat")).body


@routes.route("POST", "/api/brokers/repair", authenticated=True, body=ONE_BROKER)
def repair(call: Call) -> dict[str, Any]:
    return call.arena.brokers.repair(_action(call), call.body["brokerId"]).body


@routes.route("POST", "/api/brokers/upgrade", authenticated=True, body=ONE_STAT)
def upgrade(call: Call) -> dict[str, Any]:
    return call.arena.brokers.upgrade(_action(call), call.body["brokerId"], call.body.get("stat")).body


@routes.route("POST", "/api/brokers/combine", authenticated=True, body=TWO_BROKERS)
def combine(call: Call) -> dict[str, Any]:
    return call.arena.brokers.combine(_action(call), call.body["baseBrokerId"], call.body["sacrificeBrokerId"]).body


def _action(call: Call) -> ActionRequest:
    return ActionRequest(telegram_id=call.telegram_id, request_id=action_id(call))


def action_id(call: Call) -> str:
    """The action's idempotency id: the body's requestId, else the caller's X-Request-Id, else a fresh one.

    A source that isn't 1 to 128 of letters, digits and ``._:-`` is passed over.
    """
    for candidate in (call.sent.get("requestId"), call.request_id):
        if isinstance(candidate, str) and _ACTION_ID.fullmatch(js_trim(candidate)):
            return js_trim(candidate)
    return str(uuid.uuid4())
