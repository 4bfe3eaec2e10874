"""Moments in a query string: the form decides, and what it says is what is read."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena.moments import from_epoch_ms
from chalicelib.entrypoints.instants import Instant
from chalicelib.entrypoints.validation import FieldError
from chalicelib.entrypoints.wire import iso_millis

PATTERN = Instant(required=True).schema(in_body=False)["pattern"]


@given(st.integers(0, 32_503_680_000_000 - 1).map(from_epoch_ms))
def test_what_the_game_writes_is_read_back(moment: datetime) -> None:
    """To the millisecond."""
    assert Instant().parse(iso_millis(moment)) == moment


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-23T07:07:14Z", datetime(2026, 11, 23, 7, 7, 14, tzinfo=UTC)),
        ("2026-11-23T07:07:14.9Z", datetime(2026, 11, 23, 7, 7, 14, 900_000, tzinfo=UTC)),
        ("2026-02-31T00:00:00Z", datetime(2026, 3, 3, tzinfo=UTC)),
        ("2999-12-31T23:59:59.999Z", datetime(2999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ],
)
def test_short_forms_and_days_beyond_the_month(text: str, read: datetime) -> None:
    """Tenths of a second are tenths; 31 February is 3 March."""
    assert Instant().parse(text) == read


@given(st.from_regex(re.compile(PATTERN), fullmatch=True))
def test_every_text_of_the_documented_form_is_taken(text: str) -> None:
    """The document promises exactly this pattern."""
    if not text.endswith("\n"):
        assert Instant().parse(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value", ["2026-11-23", "2026-11-23T07:07:14", "2026-11-23T07:07:14+01:00", "2026-11-23T07:07:14Z\n", "٢026", 5, []]
)
def test_anything_else_is_refused(value: object) -> None:
    """No zones, no dates alone, no digits of other scripts."""
    with pytest.raises(FieldError, match="pattern"):
        Instant().parse(value)
