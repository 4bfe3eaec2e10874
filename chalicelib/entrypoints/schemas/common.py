"""Shapes every area uses, and the words the areas write theirs with."""

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
FLAG: Final[Schema] = {"type": "boolean"}


def ref(shape: str) -> Schema:
    """The shape of that name."""
    return {"$ref": f"#/components/schemas/{shape}"}


def record(fields: Mapping[str, Any], *, optional: tuple[str, ...] = (), **keywords: Any) -> Schema:
    """An object with exactly ``fields``, all of them required except ``optional`` ones."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": [name for name in fields if name not in optional],
        "additionalProperties": False,
        **keywords,
    }


def list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def stored(fields: Mapping[str, Any], **keywords: Any) -> Schema:
    """A document as the database keeps it: ``fields``, an id, timestamps and a version."""
    stamps = {"_id": ref("ObjectId"), "createdAt": ref("Moment"), "updatedAt": ref("Moment"), "__v": COUNT}
    return record({**fields, **stamps}, **keywords)


SHAPES: Final[Mapping[str, Any]] = {
    "ObjectId": {
        "type": "string",
        "pattern": "^[0-9a-f]{24}$",
        "description": "A document's id: 24 lower-case hex digits.",
        "examples": ["6b042290b0d099afb79631db"],
    },
    "Moment": {
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        "description": "UTC with milliseconds.",
        "examples": ["2026-11-23T07:07:14.914Z"],
    },
    "TelegramId": {
        "type": "string",
        "description": "A player's Telegram user id in decimal digits.",
        "examples": ["777"],
    },
    "Refusal": record(
        {
            "ok": {"const": False},
            "error": record(
                {
                    "code": {**TEXT, "description": "Stable; programs decide by it. Several contain spaces."},
                    "message": {**TEXT, "description": "For people."},
                    "details": {"description": "More about it, where there is more to say."},
                },
                optional=("details",),
            ),
            "requestId": TEXT,
        },
        description="Every answer that is no success.",
    ),
}
