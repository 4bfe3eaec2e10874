"""Cursors: what is written is read back, and nothing else is a cursor."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.arena.cursors import Cursors, Listing, Position
from chalicelib.errors import BadRequest
from tests.worlds import NOON, SECRET

CURSORS = Cursors(SECRET)
LISTING = Listing(name="transactions", telegram_id="777", filters={"currency": "NEUR"})
POSITION = Position(NOON, "ab" * 12)

TEXTS = st.text(max_size=8)
LISTINGS = st.builds(Listing, name=TEXTS, telegram_id=TEXTS, filters=st.dictionaries(TEXTS, TEXTS, max_size=3))
POSITIONS = st.builds(
    Position,
    st.integers(-(10**10), 10**13).map(lambda ms: NOON + timedelta(milliseconds=ms)),
    st.binary(min_size=12, max_size=12).map(bytes.hex),
)


def refused(listing: Listing, text: str, cursors: Cursors = CURSORS) -> bool:
    with pytest.raises(BadRequest) as caught:
        cursors.read(listing, text)
    return (caught.value.status, caught.value.code) == (400, "invalid_cursor")


@given(LISTINGS, POSITIONS)
def test_a_cursor_is_read_back_by_its_listing(listing: Listing, position: Position) -> None:
    """To the millisecond, in 52 characters that need no escaping in a URL."""
    text = CURSORS.write(listing, position)
    assert CURSORS.read(listing, text) == position
    assert len(text) == 52
    assert text.replace("-", "").replace("_", "").isalnum()


@given(LISTINGS, LISTINGS)
def test_another_listing_refuses_it(one: Listing, other: Listing) -> None:
    """Be it by name, player or filters, wherever one ends and the next begins."""
    text = CURSORS.write(one, POSITION)
    assert CURSORS.read(other, text) == POSITION if one == other else refused(other, text)


@pytest.mark.parametrize(
    "other",
    [
        replace(LISTING, name="battles"),
        replace(LISTING, telegram_id="778"),
        replace(LISTING, filters={}),
        replace(LISTING, filters={"currency": "AIBA"}),
        replace(LISTING, filters={"reason": "NEUR"}),
        replace(LISTING, filters={"currency": "NEUR", "reason": "train"}),
    ],
)
def test_a_cursor_belongs_to_one_listing(other: Listing) -> None:
    """Not to another player's, nor to the same one under other filters."""
    assert refused(other, CURSORS.write(LISTING, POSITION))


def test_the_order_of_filters_does_not_matter() -> None:
    """They are the same listing."""
    one = replace(LISTING, filters={"a": "1", "b": "2"})
    assert CURSORS.read(replace(LISTING, filters={"b": "2", "a": "1"}), CURSORS.write(one, POSITION)) == POSITION


@given(st.integers(0, 51), st.integers(1, 63))
@settings(max_examples=300)
def test_no_character_can_be_changed(place: int, shift: int) -> None:
    """Version, time, id and code are all covered, and no two texts mean the same."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = CURSORS.write(LISTING, POSITION)
    changed = alphabet[(alphabet.index(text[place]) + shift) % 64]
    assert refused(LISTING, text[:place] + changed + text[place + 1 :])


@given(st.one_of(st.text(max_size=60), st.text("abcXYZ019-_=+/", min_size=51, max_size=53)))
def test_nothing_a_client_makes_up_is_a_cursor(text: str) -> None:
    """Whatever its characters and length."""
    assert refused(LISTING, text)


@pytest.mark.parametrize("spoilt", ["{}=", "{}\n", " {}", "{}A", "٣{}"])
def test_a_cursor_is_taken_whole_or_not(spoilt: str) -> None:
    """No padding, no blanks, nothing added."""
    assert refused(LISTING, spoilt.format(CURSORS.write(LISTING, POSITION)))


def test_another_secret_makes_other_cursors() -> None:
    """After a change of secret lists start anew."""
    assert refused(LISTING, CURSORS.write(LISTING, POSITION), Cursors("another secret"))
    with pytest.raises(ValueError, match="secret"):
        Cursors("")


def test_positions_are_in_the_order_of_time_then_id() -> None:
    """As the index is."""
    later = Position(NOON + timedelta(milliseconds=1), "00" * 12)
    assert sorted([later, POSITION, Position(NOON, "aa" * 12)])[1:] == [POSITION, later]
