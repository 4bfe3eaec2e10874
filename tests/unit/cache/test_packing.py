"""Cached values come back as they were, types included."""

import base64
import json
import random
import zlib
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import ObjectId
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cache.packing import PACKED_MAX_CHARACTERS, UNPACKED_MAX_BYTES, Unpackable, pack, unpack

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8")),
    st.binary(max_size=12).map(lambda raw: ObjectId(raw.ljust(12, b"0"))),
    st.datetimes(timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ),
)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))


@given(VALUES)
def test_round_trip(value: Any) -> None:
    back = unpack(pack(value))
    assert back == value
    assert json.dumps(back, default=str) == json.dumps(value, default=str)


def test_what_mongodb_reads_keeps_its_types() -> None:
    read = {"_id": ObjectId(), "at": datetime(2026, 11, 23, 12, tzinfo=UTC), "sum": Int64(5), "small": 5, "share": 1.0}
    back = unpack(pack(read))
    assert {name: type(value) for name, value in back.items()} == {name: type(value) for name, value in read.items()}
    assert list(back) == list(read)


def test_long_values_are_compressed_and_too_long_ones_refused() -> None:
    long = [{"telegramId": str(number), "badges": [], "rank": number} for number in range(500)]
    assert len(pack(long)) < 0.4 * len(json.dumps(long))
    with pytest.raises(Unpackable):
        pack(random.Random(1).randbytes(PACKED_MAX_CHARACTERS))


@pytest.mark.parametrize("value", [2**63, {1: 2}, object(), {"a": {1, 2}}])
def test_what_no_document_holds_is_refused(value: Any) -> None:
    with pytest.raises(Unpackable):
        pack(value)


@pytest.mark.parametrize("text", ["", "x", "cHg=", "eng=", "cAAAAA=="])
def test_what_was_not_packed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a packed value"):
        unpack(text)


def test_little_that_would_become_much_is_refused() -> None:
    bomb = b"z" + zlib.compress(bson.encode({"v": "0" * (UNPACKED_MAX_BYTES + 1)}), 9)
    assert len(bomb) < PACKED_MAX_CHARACTERS / 4
    with pytest.raises(ValueError, match="not a packed value"):
        unpack(base64.b64encode(bomb).decode())
    with pytest.raises(Unpackable):
        pack("0" * (UNPACKED_MAX_BYTES + 1))
    assert unpack(pack("0" * 1_000_000)) == "0" * 1_000_000


def test_half_of_a_compressed_value_is_refused() -> None:
    body = base64.b64decode(pack("ab" * 2000))
    with pytest.raises(ValueError, match="not a packed value"):
        unpack(base64.b64encode(body[:-8]).decode())
