"""Events for the other regions, written in the transaction that makes them true."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.ports import Document, Insert

COLLECTION: Final = "outbox"
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
    """One event, not yet published.

    ``payload`` holds whole documents and balance changes, so that applying it needs no look back at the source.
    ``follow_ups`` is work this region still has to do (``chalicelib.arena.follow_ups``); it must be settled before the
    event may go.
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
        "publishedAt": None,
    }
    if follow_ups:
        document |= {"followUps": list(follow_ups), "followUpsDueAt": now}
    return Insert(COLLECTION, (document,))
