"""Another region asks for digests of what this one holds."""

from dataclasses import replace
from typing import Any, Final

from chalicelib.data.extended_json import to_json
from chalicelib.replication.asking import ENTITY, ask_digests, ask_named, ask_rows
from chalicelib.replication.envelope import Envelope
from chalicelib.replication.questions import question
from chalicelib.replication.ranges import Range, digest_of_rows
from tests.integration.transcript.exchange import TEXT, Exchange, data, refusal
from tests.replicated import HERE, KEYRING, OTHER_KEYRING, WEST
from tests.worlds import NOON

URL: Final = "POST /api/replication/digests"
NOBODY: Final = Range("operatoractions", "a", "b")
"""Between these places is nothing."""


def asks(ask: Any, **fields: Any) -> Envelope:
    event_id = f"{1:024x}"
    found = question(ask, "operatoractions", entity=ENTITY, region=WEST, event_id=event_id, now=NOON, keyring=KEYRING)
    return KEYRING.sign(replace(found, **fields))


NAMED: Final = asks(ask_named([("nobody's",)], to_json))
EMPTY: Final = digest_of_rows([]).value.hex()


def answers(about: str, body: Any, status: int, answer: Any) -> Exchange:
    return Exchange(about=f"verification: {about}", request=URL, body=body, user=None, status=status, answer=answer)


def refuses(about: str, body: Any, status: int, code: str) -> Exchange:
    return answers(about, body, status, refusal(code, message=TEXT))


EXCHANGES: Final = (
    answers("digests", asks(ask_digests([NOBODY], to_json)).wire(), 200, data({"digests": [[0, EMPTY]]})),
    answers("rows", asks(ask_rows(NOBODY, to_json)).wire(), 200, data({"rows": []})),
    answers("by name", NAMED.wire(), 200, data({"rows": []})),
    refuses("tampered with", {**NAMED.wire(), "key": "users"}, 401, "bad_signature"),
    refuses("a key that is not known", OTHER_KEYRING.sign(NAMED).wire(), 401, "unknown_key"),
    refuses("asked too long ago", asks({}, sent_at="2020-01-01T00:00:00.000Z").wire(), 401, "stale"),
    refuses("a region nobody knows", asks({}, source_region="mars-north-1").wire(), 403, "unknown_source"),
    refuses("this region's own", asks({}, source_region=HERE).wire(), 403, "unknown_source"),
    refuses("an event", asks({}, entity="users").wire(), 400, "malformed_question"),
    refuses("nothing", asks({}).wire(), 400, "malformed_question"),
    refuses("no envelope", {"hello": "there"}, 400, "malformed_envelope"),
)
