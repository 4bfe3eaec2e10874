"""Every route's fields, read from one body: what comes out can be stored and answered with."""

from collections.abc import Mapping
from typing import Any

from bson import encode

import app as composition
from chalicelib.entrypoints import wire
from chalicelib.entrypoints.validation import Anything, Explained, Schema, validate
from chalicelib.errors import ValidationFailed

SCHEMAS: tuple[Schema, ...] = tuple(
    schema
    for room in composition.rooms
    for route in room.routes.declared
    for schema in (route.body, route.query)
    if schema
)


def read_by_every_route(sent: Mapping[str, Any]) -> None:
    """Reads ``sent`` by the fields of each route."""
    for schema in SCHEMAS:
        try:
            values = validate(schema, sent)
        except ValidationFailed as refusal:
            wire.dumps(wire.failure(refusal, "r")).encode()
        else:
            checked = {name: value for name, value in values.items() if not _is_the_handlers(schema[name])}
            encode(checked)
            assert not any(name.startswith("$") for name in _names(checked))


def _is_the_handlers(field: Any) -> bool:
    return isinstance(field, Anything) or (isinstance(field, Explained) and isinstance(field.rule, Anything))


def _names(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [*map(str, value), *(name for part in value.values() for name in _names(part))]
    if isinstance(value, list):
        return [name for part in value for name in _names(part)]
    return []
