"""Other regions tell this one what happened there. Not of the game's facts: the arena's own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from chalicelib.replication.conversion import iso
from chalicelib.replication.envelope import FORMAT, Envelope
from tests.integration.transcript.exchange import TEXT, Exchange, Given, Scene, data, refusal
from tests.replicated import OTHER_KEYRING, WEST, signed
from tests.worlds import NOON

URL: Final = "POST /api/replication/receive"


def profile(number: int, **fields: Any) -> Envelope:
    """Somebody changed their name in another region."""
    changes = [{"collection": "users", "key": f"90{number}", "set": {"username": "x"}, "entries": {}, "base": {}}]
    return signed(changes, source_region=WEST, event_id=f"{number:024x}", **fields)


FIRST: Final = profile(1)
EARLY: Final = signed(
    [{"collection": "brokers", "key": "b", "set": {"energy": 1}, "entries": {}, "base": {}}], source_region=WEST
)
POISON: Final = signed([{"collection": "nothing of ours"}], source_region=WEST)
LONG_AGO: Final = iso(NOON - timedelta(minutes=5, seconds=1))


def told(envelope: Envelope) -> Given:
    def send(scene: Scene) -> None:
        assert scene.send("POST", "/api/replication/receive", envelope.wire(), None).status == 200

    return send


def answered(*fates: tuple[Envelope, str]) -> dict[str, Any]:
    return data({"events": [{"eventId": envelope.event_id, "fate": fate} for envelope, fate in fates]})


def receives(about: str, body: Any, status: int, answer: Any, *given: Given) -> Exchange:
    return Exchange(
        about=f"replication: {about}", request=URL, body=body, user=None, status=status, answer=answer, given=given
    )


def refuses(about: str, body: Any, status: int, code: str) -> Exchange:
    return receives(about, body, status, refusal(code, message=TEXT))


EXCHANGES: Final = (
    receives("one event is applied", FIRST.wire(), 200, answered((FIRST, "applied"))),
    receives(
        "several at once, one of them twice",
        {"events": [FIRST.wire(), profile(2).wire(), FIRST.wire()]},
        200,
        answered((FIRST, "applied"), (profile(2), "applied"), (FIRST, "duplicate")),
    ),
    receives("replayed, it changes nothing", FIRST.wire(), 200, answered((FIRST, "duplicate")), told(FIRST)),
    receives("early, it must be sent again", EARLY.wire(), 200, answered((EARLY, "early"))),
    refuses("tampered with", {**FIRST.wire(), "key": "902"}, 401, "bad_signature"),
    refuses("a key that is not known", profile(1, keyring=OTHER_KEYRING).wire(), 401, "unknown_key"),
    refuses("sent too long ago", profile(1, sent_at=LONG_AGO).wire(), 401, "stale"),
    refuses("sent in the future", profile(1, sent_at=iso(NOON + timedelta(minutes=6))).wire(), 401, "stale"),
    refuses("a region nobody knows", replace(FIRST, source_region="mars-north-1").wire(), 403, "unknown_source"),
    refuses("this region's own", signed([]).wire(), 403, "unknown_source"),
    refuses("a format to come", {**FIRST.wire(), "format": FORMAT + 1}, 400, "unsupported_format"),
    refuses("no envelope", {"hello": "there"}, 400, "malformed_envelope"),
    refuses("no list", {"events": "all of them"}, 400, "malformed_envelope"),
    refuses("an empty list", {"events": []}, 400, "malformed_envelope"),
    refuses("nothing at all", None, 400, "malformed_envelope"),
    refuses("one too many", {"events": [profile(number).wire() for number in range(11)]}, 413, "too_many_events"),
    refuses("signed, but without meaning", {"events": [FIRST.wire(), POISON.wire()]}, 400, "poison_payload"),
)
