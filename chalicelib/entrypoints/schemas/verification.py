"""Shapes of what regions compare."""

from collections.abc import Mapping
from typing import Any, Final

_DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{32}$"}

SHAPES: Final[Mapping[str, Any]] = {
    "ReplicationDigests": {
        "type": "object",
        "properties": {
            "digests": {
                "type": "array",
                "description": "Asked for digests: [documents, digest] of each range.",
                "items": {"type": "array", "prefixItems": [{"type": "integer"}, _DIGEST]},
            },
            "rows": {
                "type": "array",
                "description": "Asked for rows or named: [key, digest] of each document that is here.",
                "items": {"type": "array", "prefixItems": [{"type": "array"}, _DIGEST]},
            },
        },
        "additionalProperties": False,
    },
}
