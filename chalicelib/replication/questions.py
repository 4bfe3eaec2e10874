"""What one region asks another by HTTP: a signed envelope that changes nothing, with the question in its payload. Pure.

Signature, source and time are checked as for events. Every question says what kind it is (``entity``): one can't pass
for another, nor an event for either.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.errors import Forbidden, Unauthorized
from chalicelib.replication.conversion import iso, moment_of
from chalicelib.replication.envelope import Envelope, MalformedEnvelope, from_wire
from chalicelib.replication.receiver import FRESH
from chalicelib.replication.signing import Keyring
from chalicelib.replication.versions import next_version


class StaleQuestion(Unauthorized):
    """Asked too long ago, or in the future."""


def question(
    ask: Mapping[str, Any], key: str, *, entity: str, region: str, event_id: str, now: datetime, keyring: Keyring
) -> Envelope:
    """Signed. ``region`` asks."""
    return keyring.sign(
        Envelope(
            event_id=event_id,
            source_region=region,
            entity=entity,
            key=key,
            version=next_version(now, (), 0),
            op="ask",
            payload={"changes": [], "ask": ask},
            occurred_at=iso(now),
            sent_at=iso(now),
        )
    )


def verified(
    found: Any, *, keyring: Keyring, sources: Collection[str], now: datetime, fresh: timedelta = FRESH
) -> Envelope:
    """The question in decoded JSON, if another region of ``sources`` asks it now. Raises its refusal."""
    try:
        envelope = from_wire(found)
        if envelope.source_region not in sources:
            raise Forbidden("unknown_source", "the source is no region this one hears of")
        keyring.verify(envelope)
    except (RecursionError, UnicodeError) as error:
        raise MalformedEnvelope("malformed_envelope", f"no canonical form: {type(error).__name__}") from error
    if abs(moment_of("sentAt", envelope.sent_at) - now) > fresh:
        raise StaleQuestion("stale", f"sent more than {fresh.total_seconds():.0f} s from now: sign it anew")
    return envelope
