"""What travels between regions: one committed transaction, signed.

The wire form is JSON in the canonical form of RFC 8785. Values JSON has no type for are written as MongoDB Extended
JSON, relaxed: ``{"$oid": "…"}``, ``{"$date": "2026-11-23T12:00:00Z"}``. docs/replication.md specifies it, with vectors.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import rfc8785

from chalicelib.errors import BadRequest
from chalicelib.replication.versions import sequence_of, well_formed

FORMAT: Final = 1
EVENT_ID_LENGTH: Final = 24
SAFE_INTEGER: Final = 2**53 - 1
"""Beyond, JSON numbers are not exact everywhere."""
_TEXTS: Final = (
    "eventId",
    "sourceRegion",
    "entity",
    "key",
    "version",
    "op",
    "occurredAt",
    "sentAt",
    "keyId",
    "signature",
)
_FIELDS: Final = frozenset({*_TEXTS, "format", "sequence", "payload"})


class MalformedEnvelope(BadRequest):
    """What arrived is no envelope; says which field and why."""


class UnsupportedFormat(BadRequest):
    """Of a release to come: kept until this region has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One event. ``payload`` is JSON: ``{"changes": […], "requestId": …, "correlationId"?: …}``."""

    event_id: str
    source_region: str
    entity: str
    key: str
    version: str
    op: str
    payload: Mapping[str, Any]
    occurred_at: str
    """When the transaction was decided, by the source's clock: ISO 8601, UTC."""
    sent_at: str
    """When this copy was signed; only the HTTP route looks at it."""
    key_id: str = ""
    signature: str = ""
    format: int = FORMAT

    @property
    def sequence(self) -> str:
        """Rises with each change of one key: 16 hex digits."""
        return sequence_of(self.version)

    def signed_fields(self) -> dict[str, Any]:
        """Everything but the signature, by wire name."""
        return {
            "format": self.format,
            "eventId": self.event_id,
            "sourceRegion": self.source_region,
            "sequence": self.sequence,
            "entity": self.entity,
            "key": self.key,
            "version": self.version,
            "op": self.op,
            "payload": self.payload,
            "occurredAt": self.occurred_at,
            "sentAt": self.sent_at,
            "keyId": self.key_id,
        }

    def canonical(self) -> bytes:
        """What is signed."""
        return canonical(self.signed_fields())

    def wire(self) -> dict[str, Any]:
        """As sent."""
        return {**self.signed_fields(), "signature": self.signature}

    def with_signature(self, key_id: str, signature: str) -> "Envelope":
        return replace(self, key_id=key_id, signature=signature)


def canonical(value: Any) -> bytes:
    """RFC 8785. Raises ``MalformedEnvelope`` for what has no canonical form."""
    try:
        if _is_plain(value):
            # The same, in a fifth of the time.
            return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise MalformedEnvelope("malformed_envelope", f"no canonical form: {error}") from error


def _is_plain(value: Any) -> bool:
    """Whether Python writes it as RFC 8785 does: it does not write fractions so, nor sort names beyond ASCII so."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-SAFE_INTEGER <= value <= SAFE_INTEGER)
    if kind is dict:
        # Text, which most of it is, is not worth a call.
        return all(
            type(name) is str and name.isascii() and (type(part) is str or _is_plain(part))
            for name, part in value.items()
        )
    return kind is list and all(map(_is_plain, value))


def from_wire(found: Any) -> Envelope:
    """The envelope in decoded JSON.

    Raises ``UnsupportedFormat`` and ``MalformedEnvelope``; says nothing of the signature.
    """
    if not isinstance(found, Mapping):
        raise MalformedEnvelope("malformed_envelope", "an envelope is a JSON object")
    number = found.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise MalformedEnvelope("malformed_envelope", f"format: {number!r}; a whole number from 1")
    if number > FORMAT:
        raise UnsupportedFormat("unsupported_format", f"format {number}: this region reads up to {FORMAT}")
    if found.keys() != _FIELDS:
        wrong = sorted(found.keys() ^ _FIELDS)
        raise MalformedEnvelope("malformed_envelope", f"fields missing or unknown: {', '.join(map(str, wrong))}")
    for name in _TEXTS:
        if not isinstance(found[name], str) or not found[name]:
            raise MalformedEnvelope("malformed_envelope", f"{name}: must be text")
    if len(found["eventId"]) != EVENT_ID_LENGTH or set(found["eventId"]) - set("0123456789abcdef"):
        raise MalformedEnvelope("malformed_envelope", "eventId: must be 24 hex digits")
    if not well_formed(found["version"]):
        raise MalformedEnvelope("malformed_envelope", "version: must be 17 hex digits")
    if not isinstance(found["payload"], Mapping) or not isinstance(found["payload"].get("changes"), list):
        raise MalformedEnvelope("malformed_envelope", "payload: must be an object with a list of changes")
    envelope = Envelope(
        format=number,
        event_id=found["eventId"],
        source_region=found["sourceRegion"],
        entity=found["entity"],
        key=found["key"],
        version=found["version"],
        op=found["op"],
        payload=found["payload"],
        occurred_at=found["occurredAt"],
        sent_at=found["sentAt"],
        key_id=found["keyId"],
        signature=found["signature"],
    )
    if found["sequence"] != envelope.sequence:
        raise MalformedEnvelope("malformed_envelope", "sequence: is not the version's")
    return envelope
