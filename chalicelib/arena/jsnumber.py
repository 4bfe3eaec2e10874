"""Numbers as the game's original runtime reads them.

The rules of the game were written against ECMAScript doubles; a compatible score, reward or energy
needs that runtime's coercion and rounding, not Python's. References are to ECMA-262.
"""

import math
import re
from collections.abc import Sequence
from typing import Final, TypeGuard

from chalicelib.arena.jstext import js_trim

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Largest integer a double counts up to without gaps; the bound of every amount of money."""

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INFINITY: Final = re.compile(r"([+-]?)Infinity")
_PREFIXED: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


def to_number(value: object) -> float:
    """``Number(value)``: ``None`` is null (0), blank text 0, text in any numeric literal form, else NaN.

    Callers decide what a *missing* value means; this never sees undefined.
    """
    if value is None:
        return 0.0
    if isinstance(value, int | float):
        return _as_double(value)
    if isinstance(value, str):
        return _text_to_number(js_trim(value))
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return _list_to_number(value)
    return math.nan


def _as_double(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text_to_number(text: str) -> float:
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _PREFIXED.fullmatch(text):
        return _as_double(int(text, 0))
    if found := _INFINITY.fullmatch(text):
        return -math.inf if found.group(1) == "-" else math.inf
    return math.nan


def _list_to_number(values: Sequence[object]) -> float:
    # An array becomes its comma-joined text first, so only an empty or one-element array can be a number,
    # and a boolean inside one cannot ("true" is no numeric literal).
    if not values:
        return 0.0
    if len(values) > 1 or isinstance(values[0], bool):
        return math.nan
    return to_number(values[0])


def is_json_number(value: object) -> TypeGuard[int | float]:
    """Whether ``value`` is a number JSON can hold: an int or a finite float, and not a bool."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(_as_double(value))


def js_round(value: float) -> int:
    """``Math.round``: the nearest integer, halves toward +infinity. ``value`` must be finite.

    Not ``floor(value + 0.5)``: that addition rounds 0.49999999999999994 up to 1 and loses odd integers above 2**52.
    """
    below = math.floor(value)
    return below + 1 if value - below >= 0.5 else below


def js_floor(value: float) -> int:
    """``Math.floor`` as an exact integer. ``value`` must be finite."""
    return math.floor(value)


def clamp(value: float, low: float, high: float) -> float:
    """``value`` limited to ``low``..``high``; NaN counts as ``low``."""
    return float(low if math.isnan(value) else max(low, min(high, value)))


def clamp_whole(value: object, low: int, high: int) -> int:
    """``floor(Number(value))`` limited to ``low``..``high``; anything that is no finite number counts as ``low``."""
    if type(value) is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        # Nearly every value is one, and as a double it is the same.
        return low if value < low else high if value > high else value
    number = to_number(value)
    return max(low, min(high, math.floor(number))) if math.isfinite(number) else low


def whole_amount(value: object) -> int:
    """``value`` as an amount of money or a counter: floored, never negative, never beyond MAX_SAFE_INTEGER."""
    return clamp_whole(value, 0, MAX_SAFE_INTEGER)
