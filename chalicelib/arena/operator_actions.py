"""The record of what operators change: one row per change, in the transaction that makes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.arena import outbox
from chalicelib.arena.ports import Document, Insert

COLLECTION: Final = "operatoractions"


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something, and in which request."""

    operator: str
    """E-mail address."""
    request_id: str


def noted(
    action: str,
    by: By,
    *,
    entity: str,
    entity_id: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    row_id: Any,
    now: datetime,
) -> Insert:
    """The row that says what was done."""
    row: Document = {
        "_id": row_id,
        "operator": by.operator,
        "action": action,
        "entity": entity,
        "entityId": entity_id,
        "before": None if before is None else dict(before),
        "after": dict(after),
        "requestId": by.request_id,
        "createdAt": now,
    }
    return Insert(COLLECTION, (row,))


def recorded(
    action: str,
    by: By,
    *,
    entity: str,
    entity_id: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    ids: tuple[Any, Any],
    now: datetime,
) -> tuple[Insert, Insert]:
    """The row that says what was done (whole documents before and after), and the event that tells other regions.

    ``ids`` are two fresh document identifiers.
    """
    row = noted(action, by, entity=entity, entity_id=entity_id, before=before, after=after, row_id=ids[0], now=now)
    event = outbox.event(
        event_id=ids[1],
        entity=entity,
        key=entity_id,
        op="upsert",
        payload={"document": dict(after)},
        request_id=by.request_id,
        now=now,
    )
    return row, event
