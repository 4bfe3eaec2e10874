"""Shapes of what regions tell each other. docs/replication.md says what they mean, and how an envelope is signed."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import TEXT, list_of, record

_EVENT_ID: Final = {"type": "string", "pattern": "^[0-9a-f]{24}$"}
_INSTANT: Final = {"type": "string", "format": "date-time", "examples": ["2026-11-23T07:07:14.914Z"]}

SHAPES: Final[Mapping[str, Any]] = {
    "ReplicationEnvelope": record(
        {
            "format": {"type": "integer", "minimum": 1},
            "eventId": _EVENT_ID,
            "sourceRegion": {**TEXT, "examples": ["us-east-1"]},
            "sequence": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "entity": TEXT,
            "key": TEXT,
            "version": {"type": "string", "pattern": "^[0-9a-f]{17}$"},
            "op": TEXT,
            "payload": {
                "type": "object",
                "properties": {"changes": {"type": "array"}, "requestId": TEXT, "correlationId": TEXT},
                "required": ["changes"],
            },
            "occurredAt": _INSTANT,
            "sentAt": _INSTANT,
            "keyId": TEXT,
            "signature": {**TEXT, "description": "HMAC-SHA256 over the canonical form of everything else, in hex."},
        }
    ),
    "ReplicationReceived": record(
        {"events": list_of(record({"eventId": _EVENT_ID, "fate": {"enum": ["applied", "duplicate", "early"]}}))}
    ),
}
