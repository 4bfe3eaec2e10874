"""MongoDB's values as JSON and back: what is read without the driver's text is what the driver reads."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId, json_util
from bson.json_util import RELAXED_JSON_OPTIONS

from chalicelib.data.extended_json import from_json, to_json

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
VALUES: list[Any] = [
    {"a": [ObjectId(), {"at": NOON, "n": [1, -1.5, True, None, "text"]}], "long": Int64(2**60), "": {}},
    [Decimal128("1.10"), b"bytes", float("inf"), [[]], NOON + timedelta(milliseconds=7)],
    {"at": [NOON + timedelta(milliseconds=each) for each in range(1000)]},
]
TEXTS = [
    '{"$date": "2026-11-23T12:00:00Z"}',
    '{"$date": "2026-11-23T12:00:00.5Z"}',
    '{"$date": "2026-11-23T12:00:00+0130"}',
    '{"$date": {"$numberLong": "-1"}}',
    '{"a": {"$oid": "5f0c2a115f0c2a115f0c2a11"}, "$other": {"$date": "0001-01-01T00:00:00Z"}}',
]
WRONG = [
    '{"$date": "2026-11-23T12:00:00Z", "more": 1}',
    '{"$date": "2026-13-23T12:00:00Z"}',
    '{"$date": "2026-11-23T12:00:00Z\\n"}',
    '{"a": [{"$oid": "no id"}]}',
    '{"$numberInt": 1}',
]


@pytest.mark.parametrize("value", VALUES)
def test_values_come_back(value: Any) -> None:
    assert from_json(json.loads(json.dumps(to_json(value)))) == value


@pytest.mark.parametrize("text", TEXTS)
def test_other_ways_to_write_them_are_the_drivers(text: str) -> None:
    expected = json_util.loads(text, json_options=RELAXED_JSON_OPTIONS.with_options(tz_aware=True))
    assert from_json(json.loads(text)) == expected


@pytest.mark.parametrize("text", WRONG)
def test_what_is_none_of_them_is_refused(text: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_json(json.loads(text))


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}], ids=["lists", "objects"])
def test_what_is_nested_too_deep_is_refused(wrap: Callable[[Any], Any]) -> None:
    value: Any = 1
    for _ in range(sys.getrecursionlimit()):
        value = wrap(value)
    with pytest.raises(ValueError, match="nested too deep"):
        from_json(value)


def test_what_was_parsed_is_left_as_it_is() -> None:
    found = {"at": {"$date": "2026-11-23T12:00:00Z"}, "list": [{"$numberLong": "1"}]}
    before = json.dumps(found)
    from_json(found)
    assert json.dumps(found) == before
