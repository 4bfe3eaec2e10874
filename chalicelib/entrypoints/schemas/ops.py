"""Shapes of health, metrics and of this document itself."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import FLAG, TEXT, record

SHAPES: Final[Mapping[str, Any]] = {
    "Healthy": record({"ok": {"const": True}}),
    "Readiness": record(
        {
            "ready": FLAG,
            "dependencies": {"type": "object", "additionalProperties": {"enum": ["up", "down", "off"]}},
            "environment": record({"region": TEXT, "functionVersion": TEXT, "initializationType": TEXT}),
        }
    ),
    "Text": {"type": "string"},
    "OpenApiDocument": {"type": "object", "required": ["openapi", "info", "paths", "components"]},
}
