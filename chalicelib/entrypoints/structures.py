"""Fields of what operators write: objects and fractions. Wrong members are named by their path
(``rules.arenaWeights.speed``)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.arena.jsnumber import to_number
from chalicelib.arena.jstext import js_trim
from chalicelib.entrypoints.validation import Closed, Field, FieldError, Schema, missing, shown, text_of, validate
from chalicelib.errors import ValidationFailed


class MemberErrors(FieldError):
    """Several members of one field are wrong; ``members`` maps each path to its error word."""

    def __init__(self, members: Mapping[str, str]) -> None:
        super().__init__("object")
        self.members = dict(members)

    def named(self, name: str) -> dict[str, str]:
        return {f"{name}.{path}": word for path, word in self.members.items()}


@dataclass(frozen=True, slots=True)
class Number:
    """A number or numeric text, fractions kept."""

    required: bool = False
    minimum: float | None = None
    maximum: float | None = None

    def parse(self, value: Any) -> int | float:
        number = to_number(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        if not math.isfinite(number):
            raise FieldError("number")
        if self.minimum is not None and number < self.minimum:
            raise FieldError(f"min:{self.minimum}")
        if self.maximum is not None and number > self.maximum:
            raise FieldError(f"max:{self.maximum}")
        return int(number) if number.is_integer() else number

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        described: dict[str, Any] = {"type": "number", "description": "Numeric text is read as well."}
        if self.minimum is not None:
            described["minimum"] = self.minimum
        if self.maximum is not None:
            described["maximum"] = self.maximum
        return _optional(described, required=self.required, in_body=in_body)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text, trimmed, all of which matches ``pattern``."""

    pattern: str
    required: bool = False

    def parse(self, value: Any) -> str:
        text = js_trim(text_of(value))
        if not re.fullmatch(self.pattern, text):
            raise FieldError("pattern")
        return text

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        described = {"type": "string", "pattern": rf"^\s*{self.pattern}\s*$"}
        return _optional(described, required=self.required, in_body=in_body)


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text as it is, not trimmed: a password."""

    max_length: int
    required: bool = False

    def parse(self, value: Any) -> str:
        if not isinstance(value, str):
            raise FieldError("string")
        if len(value) > self.max_length:
            raise FieldError(f"maxLength:{self.max_length}")
        return value

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        described = {"type": "string", "minLength": 1, "maxLength": self.max_length}
        return _optional(described, required=self.required, in_body=in_body)


@dataclass(frozen=True, slots=True)
class Members:
    """An object of known members only."""

    members: Schema
    required: bool = False

    def parse(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise FieldError("object")
        try:
            return validate(Closed(self.members), value)
        except ValidationFailed as error:
            raise MemberErrors(error.details) from error

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        described = {
            "type": "object",
            "properties": {name: rule.schema(in_body=in_body) for name, rule in self.members.items()},
            "additionalProperties": False,
        }
        needed = [name for name, rule in self.members.items() if rule.required]
        if needed:
            described["required"] = needed
        return _optional(described, required=self.required, in_body=in_body)


@dataclass(frozen=True, slots=True)
class Keyed:
    """An object whose keys match ``key_pattern`` and whose values are all of one kind; null values are left out."""

    key_pattern: str
    rule: Field
    keys_max: int = 200
    required: bool = False

    def parse(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise FieldError("object")
        if len(value) > self.keys_max:
            raise FieldError(f"maxLength:{self.keys_max}")
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for name, member in value.items():
            if not re.fullmatch(self.key_pattern, name):
                problems[shown(name)] = "pattern"
            elif not missing(member):
                try:
                    values[name] = self.rule.parse(member)
                except FieldError as error:
                    problems |= error.named(name)
        if problems:
            raise MemberErrors(problems)
        return values

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        described = {
            "type": "object",
            "patternProperties": {f"^{self.key_pattern}$": self.rule.schema(in_body=in_body)},
            "additionalProperties": False,
            "maxProperties": self.keys_max,
        }
        return _optional(described, required=self.required, in_body=in_body)


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array of 1 to ``most`` values of one kind. ``array`` is the error word of whatever is none."""

    rule: Field
    most: int
    required: bool = False

    def parse(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise FieldError("array")
        if not value:
            raise FieldError("minLength:1")
        if len(value) > self.most:
            raise FieldError(f"maxLength:{self.most}")
        values: list[Any] = []
        problems: dict[str, str] = {}
        for place, item in enumerate(value):
            try:
                if missing(item):
                    raise FieldError("required")
                values.append(self.rule.parse(item))
            except FieldError as error:
                problems |= error.named(str(place))
        if problems:
            raise MemberErrors(problems)
        return values

    def schema(self, *, in_body: bool) -> dict[str, Any]:
        item = self.rule.schema(in_body=in_body)
        described = {"type": "array", "items": item, "minItems": 1, "maxItems": self.most}
        return _optional(described, required=self.required, in_body=in_body)


def resets(schema: Schema, sent: Mapping[str, Any]) -> frozenset[str]:
    """The fields sent as null or "": those a change puts back at their defaults."""
    return frozenset(name for name in schema if name in sent and missing(sent[name]))


def _optional(described: dict[str, Any], *, required: bool, in_body: bool) -> dict[str, Any]:
    if required:
        return described
    return {"anyOf": [described, {"enum": ["", None] if in_body else [""]}]}
