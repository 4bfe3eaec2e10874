"""Events for the other regions, written in the transaction that makes them true."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.arena.ports import Document, Insert

COLLECTION: Final = "outbox"
KEPT: Final = timedelta(days=7)
"""How long an event is kept that nobody waits for any more."""
FORMAT: Final = 1
"""Of ``payload``; raised when its meaning changes."""


def event(
    *,
    event_id: Any,
    entity: str,
    key: str,
    op: str,
    payload: Mapping[str, Any],
    request_id: str,
    now: datetime,
    follow_ups: Sequence[Document] = (),
) -> Insert:
    """One event. Where there are other regions, a ``Recorder`` adds what they are told and who waits for it.

    ``follow_ups`` is work this region still has to do (``chalicelib.arena.follow_ups``); without any the event is kept
    for nothing but looking back.
    """
    document: Document = {
        "_id": event_id,
        "format": FORMAT,
        "entity": entity,
        "key": key,
        "op": op,
        "payload": dict(payload),
        "requestId": request_id,
        "occurredAt": now,
    }
    if follow_ups:
        document |= {"followUps": list(follow_ups), "followUpsDueAt": now}
    else:
        document["expiresAt"] = now + KEPT
    return Insert(COLLECTION, (document,))
