"""An outbox's document as an envelope, and an envelope's content as an event. Pure.

``to_json`` and ``from_json`` turn the store's values into JSON and back (``data.extended_json``).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.replication.envelope import Envelope, MalformedEnvelope
from chalicelib.replication.ports import Event

ToJson = Callable[[Any], Any]
FromJson = Callable[[Any], Any]
"""Raises ``ValueError`` or ``TypeError``."""


def envelope_of(event: Mapping[str, Any], *, sent_at: datetime, to_json: ToJson) -> Envelope:
    """What is sent, not signed yet. ``event`` is an outbox document as a ``Recorder`` leaves it."""
    return Envelope(
        event_id=str(event["_id"]),
        source_region=event["region"],
        entity=event["entity"],
        key=event["key"],
        version=event["version"],
        op=event["op"],
        payload=_payload(event, to_json),
        occurred_at=iso(event["occurredAt"]),
        sent_at=iso(sent_at),
    )


def _payload(event: Mapping[str, Any], to_json: ToJson) -> dict[str, Any]:
    """With ``correlationId`` if the event has one: those of earlier releases, and of no request, have none."""
    payload = {"changes": to_json(event["changes"]), "requestId": event["requestId"]}
    return {**payload, "correlationId": event["correlationId"]} if "correlationId" in event else payload


def event_of(envelope: Envelope, from_json: FromJson) -> Event:
    """What is applied. Raises ``MalformedEnvelope``, and what ``from_json`` raises for a payload it can't read."""
    return Event(
        event_id=from_json({"$oid": envelope.event_id}),
        source_region=envelope.source_region,
        version=envelope.version,
        occurred_at=moment_of("occurredAt", envelope.occurred_at),
        changes=from_json(envelope.payload["changes"]),
    )


def stored_event(row: Mapping[str, Any]) -> Event:
    """An outbox document as its own region's event."""
    return Event(
        event_id=row["_id"],
        source_region=row["region"],
        version=row["version"],
        occurred_at=row["occurredAt"],
        changes=row["changes"],
    )


def iso(moment: datetime) -> str:
    """UTC with milliseconds: ``2026-11-23T07:07:14.914Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def moment_of(field: str, text: str) -> datetime:
    """The time in an envelope's ``field``. Raises ``MalformedEnvelope``."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedEnvelope("malformed_envelope", f"{field}: no ISO 8601 time") from error
    if moment.tzinfo is None:
        raise MalformedEnvelope("malformed_envelope", f"{field}: must say its offset from UTC")
    return moment.astimezone(UTC)
