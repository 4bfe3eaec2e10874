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
_SHOWN_NAME_MAX: Final = 100
_EXAMPLE_ID: Final = "6b042290b0d099afb79631db"


class FieldError(Exception):
    """One field is wrong; its text is the game's error word."""

    def named(self, name: str) -> dict[str, str]:
        """What the answer's details say of the field ``name``."""
        return {name: str(self)}


class Field(Protocol):
    """A field's rule: turns what was sent into the value, or raises ``FieldError``."""

    @property
    def required(self) -> bool: ...

    def parse(self, value: Any) -> Any: ...

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        """What the field accepts, as JSON Schema: in a JSON body, or in a query string, where all is text."""
        ...


Schema = Mapping[str, Field]


class Closed(dict[str, Field]):
    """A schema that refuses keys it does not know, instead of ignoring them.

    ``unknown`` is an error word of ours: an operator's misspelt setting must not pass for a change.
    """

    def unknown(self, sent: Mapping[str, Any]) -> dict[str, str]:
        """The error word for each key of ``sent`` that means nothing."""
        return {shown(name): "unknown" for name in sent if name not in self}


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

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        """Lengths are said in characters: JSON Schema has no UTF-16 units and does not trim."""
        missing: list[Any] = [] if self.required else ["", None] if in_body else [""]
        if self.choices:
            return {"enum": [*self.choices, *missing]}
        # A number's text is as long as it happens to be, so with a minimum only text is promised.
        scalars = ["number", "boolean"] if in_body and self.min_length <= 1 else []
        described: dict[str, Any] = {"type": ["string", *scalars, *(["null"] if None in missing else [])]}
        if len(described["type"]) == 1:
            described["type"] = "string"
        if self.max_length is not None:
            described["maxLength"] = self.max_length
        if self.required:
            described |= {"minLength": max(1, self.min_length), "pattern": r"\S"}
        elif self.min_length:
            described = {"anyOf": [{**described, "minLength": self.min_length}, {"enum": missing}]}
        return described


@dataclass(frozen=True, slots=True)
class ObjectIdText:
    """A document id: 24 hex digits, kept as the client wrote them."""

    required: bool = False

    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or not _OBJECT_ID.fullmatch(js_trim(value)):
            raise FieldError("objectId")
        return js_trim(value)

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        if self.required:
            return {"type": "string", "pattern": r"^\s*[0-9a-fA-F]{24}\s*$", "examples": [_EXAMPLE_ID]}
        kinds = ["string", "null"] if in_body else "string"
        return {"type": kinds, "pattern": r"^(\s*[0-9a-fA-F]{24}\s*)?$", "examples": [_EXAMPLE_ID]}


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

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        """Numbers only, although numeric text is read too: JSON Schema can't bound the number in a text."""
        described: dict[str, Any] = {"type": "number", "description": "Rounded down; numeric text is read as well."}
        if self.minimum is not None:
            described["minimum"] = self.minimum
        if self.maximum is not None:
            described["exclusiveMaximum"] = self.maximum + 1
        if self.required:
            return described
        return {"anyOf": [described, {"enum": ["", None] if in_body else [""]}]}


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

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        values: list[Any] = [True, False, "true", "false"] if in_body else ["true", "false"]
        return {"enum": values + ([] if self.required else ["", None] if in_body else [""])}


@dataclass(frozen=True, slots=True)
class Anything:
    """A field only the handler looks at; the document says ``about``."""

    about: str
    required: bool = False

    def parse(self, value: Any) -> Any:
        return value

    def schema(self, *, in_body: bool) -> dict[str, Any]:  # noqa: ARG002 (the same in both)
        return {"description": self.about}


@dataclass(frozen=True, slots=True)
class Explained:
    """A field of which the document says more than the validator checks, because the handler checks it."""

    rule: Field
    says: Mapping[str, Any]
    """Schema keywords added to those of ``rule``, or put in their place."""
    needed: bool = False
    """Whether the handler refuses a request without it, in words of its own."""

    @property
    def required(self) -> bool:
        return self.rule.required

    def parse(self, value: Any) -> Any:
        return self.rule.parse(value)

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        if "enum" in self.says:
            return dict(self.says)
        return {**self.rule.schema(in_body=in_body), **self.says}


def validate(schema: Schema, source: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``schema`` found in ``source``, parsed; missing optional ones are left out.

    Raises ``ValidationFailed`` naming every wrong field.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = schema.unknown(source) if isinstance(schema, Closed) else {}
    for name, rule in schema.items():
        raw = source.get(name)
        try:
            if missing(raw):
                if rule.required:
                    raise FieldError("required")
            else:
                value = rule.parse(raw)
                if value != "":
                    values[name] = value
                elif rule.required:
                    raise FieldError("required")
        except FieldError as error:
            problems |= error.named(name)
    if problems:
        raise ValidationFailed(problems)
    return values


def shown(name: str) -> str:
    """A key the client chose, fit to be repeated to it."""
    return well_formed(name)[:_SHOWN_NAME_MAX]


def missing(value: Any) -> bool:
    """Whether ``value`` counts as not sent."""
    return value is None or value == ""
