"""The game's validator, word for word."""

import pytest

from chalicelib.entrypoints.validation import Boolean, Field, Integer, ObjectIdText, Schema, Text, validate
from chalicelib.errors import ValidationFailed


def outcome(rule: Field, sent: object) -> object:
    try:
        return validate({"f": rule}, {"f": sent}).get("f", "<missing>")
    except ValidationFailed as error:
        return "!" + error.details["f"]


@pytest.mark.parametrize(
    ("rule", "sent", "expected"),
    [
        (Text(), None, "<missing>"),
        (Text(), "", "<missing>"),
        (Text(), "   ", "<missing>"),
        (Text(required=True), None, "!required"),
        (Text(required=True), "", "!required"),
        (Text(required=True), "  ", "!required"),
        (Text(), "\ufeff a \u00a0", "a"),
        (Text(), 42, "42"),
        (Text(), 1.5, "1.5"),
        (Text(), 10**400, "Infinity"),
        (Text(), float("-inf"), "-Infinity"),
        (Text(), 2**53 + 1, "9007199254740992"),
        (Text(), 1e21, "1e+21"),
        (Text(), "a\ud800b", "a\ufffdb"),
        (Text(), True, "true"),
        (Text(), {"a": 1}, "!string"),
        (Text(), ["a"], "!string"),
        (Text(max_length=2), "🦊", "🦊"),
        (Text(max_length=1), "🦊", "!maxLength:1"),
        (Text(min_length=3), "ab", "!minLength:3"),
        (Text(choices=("a", "b")), "c", "!enum"),
        (Text(choices=("score",), lower=True), "SCORE", "score"),
        (ObjectIdText(), "0123456789ABCDEF01234567", "0123456789ABCDEF01234567"),
        (ObjectIdText(), " 0123456789abcdef01234567 ", "0123456789abcdef01234567"),
        (ObjectIdText(), "0123456789abcdef0123456", "!objectId"),
        (ObjectIdText(), 5, "!objectId"),
        (ObjectIdText(required=True), None, "!required"),
        (Integer(), "7.9", 7),
        (Integer(), -1.5, -2),
        (Integer(), "seven", "!number"),
        (Integer(), True, "!number"),
        (Integer(), float("inf"), "!number"),
        (Integer(minimum=1), 0, "!min:1"),
        (Integer(maximum=500), "501", "!max:500"),
        (Boolean(), False, False),
        (Boolean(), "false", False),
        (Boolean(), "true", True),
        (Boolean(), "yes", "!boolean"),
        (Boolean(), 1, "!boolean"),
        (Boolean(), [], "!boolean"),
    ],
)
def test_fields(rule: Field, sent: object, expected: object) -> None:
    assert outcome(rule, sent) == expected


def test_every_wrong_field_is_named_together() -> None:
    schema: Schema = {"a": Text(required=True), "b": Integer(), "c": Boolean(), "d": Text()}
    with pytest.raises(ValidationFailed) as caught:
        validate(schema, {"b": "x", "c": "x", "d": "fine"})
    assert caught.value.details == {"a": "required", "b": "number", "c": "boolean"}
    assert caught.value.code == "validation_error"
