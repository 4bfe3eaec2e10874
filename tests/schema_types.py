"""Checks objects of generated classes against their own annotations: the classes keep whatever they are given."""

import enum
import types
import typing
from collections.abc import Iterator
from typing import Any


def faults(value: Any, hint: Any, where: str = "") -> Iterator[str]:
    """Where ``value`` is not of the type ``hint``."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        # Anything goes, but what a plug-in has made an object of its own is checked as that.
        if _fields(type(value)):
            yield from faults(value, type(value), where)
    elif origin in (typing.Union, types.UnionType):
        found = [list(faults(value, one, where)) for one in arguments]
        if all(found):
            # The fewest faults are of what it was meant to be.
            yield from min(found, key=len)
    elif origin is typing.Literal:
        if value not in arguments:
            yield f"{where}: {value!r} is none of {arguments}"
    elif origin is list:
        if not isinstance(value, list):
            yield f"{where}: {value!r} is no list"
            return
        for number, item in enumerate(value):
            yield from faults(item, arguments[0], f"{where}[{number}]")
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{where}: {value!r} is no object"
            return
        for name, item in value.items():
            yield from faults(item, arguments[1], f"{where}.{name}")
    elif isinstance(hint, type) and issubclass(hint, enum.Enum):
        if value not in [one.value for one in hint]:
            yield f"{where}: {value!r} is none of {[one.value for one in hint]}"
    elif hint is float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield f"{where}: {value!r} is no number"
    elif isinstance(hint, type):
        if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
            yield f"{where}: {value!r} is no {hint.__name__}"
            return
        for name, inner in _fields(type(value)).items():
            yield from faults(getattr(value, name), inner, f"{where}.{name}")


def _fields(kind: type) -> dict[str, Any]:
    """Of a generated class; none of ``str`` and the like."""
    if kind.__module__ == "builtins" or "__annotations__" not in vars(kind):
        return {}
    return typing.get_type_hints(kind)
