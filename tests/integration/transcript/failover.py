"""Operators let a region take over, and regions lend each other a hand. Not of the game's facts: the arena's own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from chalicelib.data.extended_json import to_json
from chalicelib.replication.asking import ENTITY as DIGESTS
from chalicelib.replication.conversion import iso
from chalicelib.replication.envelope import Envelope
from chalicelib.replication.hands import ENTITY, EVENTS_MAX, FRESH, asked
from chalicelib.replication.questions import question
from tests.integration.transcript.exchange import TEXT, Exchange, Like, data, refusal
from tests.integration.transcript.operators import operate
from tests.replicated import EAST, HERE, KEYRING, OTHER_KEYRING, WEST
from tests.worlds import NOON

FAILOVER: Final = "POST /api/ops/failover"
HAND: Final = "POST /api/replication/hand"
ROLE: Final = {"region": WEST, "servedBy": None, "epoch": 1, "run": "this", "at": NOON}
SILENT: Final = (
    "{} does not answer: what it acknowledged and did not send would be missing until it returns and could be spent "
    "twice, and it would not hear who serves; bring it up, or accept that, and force it"
)
NOTHING_TO_RETURN: Final = Like("reasons", lambda found: "serves itself" in found["reasons"][0])
REASONS: Final = [SILENT.format(WEST), SILENT.format(EAST)]
STEPS: Final = [
    f"catch up: {HERE} gets every event of nobody that it lacks",
    f"fence: nobody serves the players of {WEST} (epoch 1, told to {HERE}), once what was begun has ended",
    f"drain: {HERE} gets what came meanwhile",
    f"serve: {HERE} serves the players of {WEST} (epoch 2, told to {HERE})",
]
PLANNED: Final = {
    **{"state": "planned", "of": WEST, "serving": HERE, "epoch": 2, "steps": STEPS},
    **{"reachable": [HERE], "unreachable": [WEST, EAST], "drained": {}, "early": 0, "tooOld": 0},
    "unservedSeconds": None,
}


def asks(operation: str, arguments: Any, region: str = HERE, **fields: Any) -> Envelope:
    ask = asked(operation, region, arguments, to_json)
    event_id = f"{1:024x}"
    found = question(ask, operation, entity=ENTITY, region=WEST, event_id=event_id, now=NOON, keyring=KEYRING)
    return KEYRING.sign(replace(found, **fields))


def hands(about: str, body: Any, status: int, answer: Any) -> Exchange:
    return Exchange(about=f"hand: {about}", request=HAND, body=body, user=None, status=status, answer=answer)


def refuses(about: str, body: Any, status: int, code: str) -> Exchange:
    return hands(about, body, status, refusal(code, message=TEXT))


def malformed(about: str, operation: str, arguments: Any) -> Exchange:
    return refuses(about, asks(operation, arguments).wire(), 400, "malformed_question")


WRITES: Final = asks("write_role", ROLE)
ALMOST: Final = iso(NOON - FRESH)
LATE: Final = iso(NOON - FRESH - timedelta(seconds=1))
MANY: Final = [f"{number:024x}" for number in range(EVENTS_MAX + 1)]

EXCHANGES: Final = (
    operate(
        "failover: what would be done",
        FAILOVER,
        200,
        data(PLANNED),
        body={"from": WEST, "force": True, "dryRun": True},
    ),
    operate(
        "failover: regions that do not answer",
        FAILOVER,
        409,
        refusal("failover_refused", {"reasons": REASONS}, message="; ".join(REASONS)),
        body={"from": WEST},
    ),
    operate(
        "failover: nothing to return",
        FAILOVER,
        409,
        refusal("failover_refused", NOTHING_TO_RETURN, message=TEXT),
        body={"return": HERE},
    ),
    operate("failover: from, or return", FAILOVER, 400, refusal("failover_ambiguous", message=TEXT), body={}),
    Exchange(
        about="failover: closed to players",
        request=FAILOVER,
        body={"from": WEST},
        status=401,
        answer=refusal("admin auth required"),
    ),
    hands("roles", asks("roles", {}).wire(), 200, data({"result": []})),
    hands("a role is written", WRITES.wire(), 200, data({"result": True})),
    hands("what was told", asks("told", {"after": None, "limit": 10}).wire(), 200, data({"result": []})),
    hands("events", asks("events", {"ids": []}).wire(), 200, data({"result": []})),
    hands("what is lacking", asks("lacking", {"ids": ["a"]}).wire(), 200, data({"result": ["a"]})),
    hands("nothing to apply", asks("apply", {"events": []}).wire(), 200, data({"result": []})),
    hands("asked a minute ago", asks("roles", {}, sent_at=ALMOST).wire(), 200, data({"result": []})),
    refuses("asked longer ago", asks("roles", {}, sent_at=LATE).wire(), 401, "stale"),
    refuses("tampered with", {**WRITES.wire(), "payload": asks("roles", {}).payload}, 401, "bad_signature"),
    refuses("a key that is not known", OTHER_KEYRING.sign(WRITES).wire(), 401, "unknown_key"),
    refuses("a region nobody knows", asks("roles", {}, source_region="mars-north-1").wire(), 403, "unknown_source"),
    refuses("this region's own", asks("roles", {}, source_region=HERE).wire(), 403, "unknown_source"),
    refuses("for another region", asks("roles", {}, EAST).wire(), 400, "malformed_question"),
    refuses("a question for digests", asks("roles", {}, entity=DIGESTS).wire(), 400, "malformed_question"),
    malformed("no operation", "drop", {}),
    malformed("a role of no region", "write_role", {**ROLE, "region": "mars-north-1"}),
    malformed("a role for no region", "write_role", {**ROLE, "servedBy": "mars-north-1"}),
    malformed("no epoch", "write_role", {**ROLE, "epoch": "1"}),
    malformed("no run", "write_role", {**ROLE, "run": ""}),
    malformed("no arguments", "write_role", {}),
    malformed("too many ids told", "told", {"after": None, "limit": 10**6}),
    malformed("too many events read", "events", {"ids": MANY}),
    malformed("too many events applied", "apply", {"events": MANY}),
    malformed("events that are none", "apply", {"events": [{}]}),
    refuses("no envelope", {"hello": "there"}, 400, "malformed_envelope"),
)
