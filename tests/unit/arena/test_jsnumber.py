"""Number coercion and rounding, against values an ECMAScript engine printed."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena import jsnumber
from chalicelib.arena.jstext import js_trim, utf16_length, well_formed


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, 0),
        (True, 1),
        (False, 0),
        (7, 7),
        (2.5, 2.5),
        ("", 0),
        ("  ", 0),
        (" 42 ", 42),
        ("7.5", 7.5),
        (".5", 0.5),
        ("5.", 5),
        ("+5", 5),
        ("-1e3", -1000),
        ("0x10", 16),
        ("0b11", 3),
        ("0o17", 15),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ("1e400", math.inf),
        (10**400, math.inf),
        ("\ufeff1\u2028", 1),
        ("9007199254740993", 9007199254740992),
        ([], 0),
        ([5], 5),
        (["5"], 5),
        ([[7]], 7),
        ([None], 0),
    ],
)
def test_number_of(value: object, number: float) -> None:
    assert jsnumber.to_number(value) == number


@pytest.mark.parametrize(
    "value",
    [
        "abc",
        "1_000",
        "-0x10",
        "0x",
        "1e",
        ".",
        "inf",
        "nan",
        "infinity",
        "１",
        "\u00851",
        "\x1c1",
        "1 2",
        "1n",
        {},
        [1, 2],
        [True],
        b"1",
        object(),
    ],
)
def test_not_a_number(value: object) -> None:
    assert math.isnan(jsnumber.to_number(value))


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (2.5, 3),
        (-0.5, 0),
        (-1.5, -1),
        (-2.5, -2),
        (0.49999999999999994, 0),
        (-0.5000000000000001, -1),
        (4503599627370495.5, 4503599627370496),
        (4503599627370497.0, 4503599627370497),
        (-1e-20, 0),
    ],
)
def test_halves_round_up(value: float, rounded: int) -> None:
    assert jsnumber.js_round(value) == rounded


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_is_exact_for_every_double(value: float) -> None:
    """floor(x + 1/2) in exact arithmetic is what Math.round means."""
    assert jsnumber.js_round(value) == math.floor(Fraction(value) + Fraction(1, 2))
    assert jsnumber.js_floor(value) == math.floor(Fraction(value))


@pytest.mark.parametrize(
    ("value", "is_number"),
    [
        (1, True),
        (1.5, True),
        (0, True),
        (True, False),
        ("1", False),
        (None, False),
        (math.nan, False),
        (math.inf, False),
        (10**400, False),
    ],
)
def test_what_json_calls_a_number(value: object, is_number: bool) -> None:
    assert jsnumber.is_json_number(value) is is_number


@pytest.mark.parametrize(
    ("value", "amount"),
    [(3.9, 3), (-1, 0), (math.nan, 0), (math.inf, 0), ("12", 12), (None, 0), (1e300, jsnumber.MAX_SAFE_INTEGER)],
)
def test_whole_amounts(value: object, amount: int) -> None:
    assert jsnumber.whole_amount(value) == amount


def test_clamp_takes_what_is_no_number_for_the_minimum() -> None:
    assert jsnumber.clamp(math.nan, -1, 1) == -1
    assert jsnumber.clamp(math.inf, -1, 1) == 1
    assert jsnumber.clamp_whole("abc", 1, 9) == jsnumber.clamp_whole(math.inf, 1, 9) == 1


def test_trim_knows_the_byte_order_mark_and_leaves_the_file_separator() -> None:
    assert js_trim("\ufeff\u00a0 a\u3000") == "a"
    assert js_trim("\x1ca\x85") == "\x1ca\x85"


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("é", 1), ("🦊🚀", 4), ("\ud800", 1)])
def test_length_in_utf16_units(text: str, length: int) -> None:
    assert utf16_length(text) == length


@given(st.text(st.characters(codec=None)))
def test_well_formed_text_can_be_encoded_and_keeps_everything_else(text: str) -> None:
    result = well_formed(text)
    result.encode()
    if not any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        assert result == text
