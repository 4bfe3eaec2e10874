"""What a stranger may have stored is bounded."""

import app as composition
from chalicelib.entrypoints.validation import Explained, Field, Text

FROM_A_LIST = {("POST", "stat"), ("GET", "by")}
"""Compared by the service with the few it knows, and never stored."""


def text_of(field: Field) -> Text | None:
    rule = field.rule if isinstance(field, Explained) else field
    return rule if isinstance(rule, Text) else None


def test_every_text_has_a_greatest_length() -> None:
    endless = {
        (route.method, name)
        for room in composition.rooms
        for route in room.routes.declared
        for name, field in (*route.body.items(), *route.query.items())
        if (text := text_of(field)) and text.max_length is None and not text.choices
    }
    assert endless == FROM_A_LIST
