"""The game's request validator: fields as data, every error reported together.

Absent, null and "" are the same: missing. Error words are part of the wire contract: ``required``,
``minLength:N``, ``maxLength:N``, ``pattern``, ``enum``, ``number``, ``min:N``, ``max:N``, ``boolean``
and ``objectId``; ``string`` is ours, for an array or object where text belongs.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from chalicelib.arena.jsnumber import js_floor, to_number
from chalicelib.arena.jstext import js_trim, utf16_length, well_formed
from chalicelib.errors import ValidationFailed

_EXPONENT_FROM: Final = 1e21
"""JavaScript prints whole numbers from here on with an exponent."""

_OBJECT_ID: Final = re.compile(r"^[0-9a-fA-F]{24}$")


class FieldError(Exception):
    """One field is wrong; its text is the game's error word."""


class Field(Protocol):
    """A field's rule: turns what was sent into the value, or raises ``FieldError``."""

    @property
    def required(self) -> bool: ...

    def parse(self, value: Any) -> Any: ...


Schema = Mapping[str, Field]


def text_of(value: Any) -> str:
    """``value`` as JavaScript's String() prints a scalar; raises ``FieldError`` for anything else."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(to_number(value))
    raise FieldError("string")


def _number_text(number: float) -> str:
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return str(int(number)) if number.is_integer() and abs(number) < _EXPONENT_FROM else repr(number)


@dataclass(frozen=True, slots=True)
class Text:
    """Text, trimmed; lengths in UTF-16 units after the trim."""

    required: bool = False
    min_length: int = 0
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    lower: bool = False

    def parse(self, value: Any) -> str:
        text = js_trim(text_of(value))
        if self.lower:
            text = text.lower()
        length = utf16_length(text)
        if length < self.min_length:
            raise FieldError(f"minLength:{self.min_length}")
        if self.max_length is not None and length > self.max_length:
            raise FieldError(f"maxLength:{self.max_length}")
        if self.choices and text not in self.choices:
            raise FieldError("enum")
        return text


@dataclass(frozen=True, slots=True)
class ObjectIdText:
    """A document id: 24 hex digits, kept as the client wrote them."""

    required: bool = False

    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or not _OBJECT_ID.fullmatch(js_trim(value)):
            raise FieldError("objectId")
        return js_trim(value)


@dataclass(frozen=True, slots=True)
class Integer:
    """A number or numeric string, floored."""

    required: bool = False
    minimum: int | None = None
    maximum: int | None = None

    def parse(self, value: Any) -> int:
        number = to_number(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        if number is None or number != number or number in (float("inf"), float("-inf")):
            raise FieldError("number")
        whole = js_floor(number)
        if self.minimum is not None and whole < self.minimum:
            raise FieldError(f"min:{self.minimum}")
        if self.maximum is not None and whole > self.maximum:
            raise FieldError(f"max:{self.maximum}")
        return int(whole)


@dataclass(frozen=True, slots=True)
class Boolean:
    """true, false, or those words as text."""

    required: bool = False

    def parse(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return bool(value == "true")
        raise FieldError("boolean")


def validate(schema: Schema, source: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``schema`` found in ``source``, parsed; missing optional ones are left out.

    Raises ``ValidationFailed`` naming every wrong field.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, rule in schema.items():
        raw = source.get(name)
        try:
            if _missing(raw):
                if rule.required:
                    raise FieldError("required")
            else:
                value = rule.parse(raw)
                if value != "":
                    values[name] = value
                elif rule.required:
                    raise FieldError("required")
        except FieldError as error:
            problems[name] = str(error)
    if problems:
        raise ValidationFailed(problems)
    return values


def _missing(value: Any) -> bool:
    return value is None or value == ""
