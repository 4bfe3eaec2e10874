"""The envelope and the JSON on the wire."""

from datetime import UTC, datetime

import pytest
from bson import ObjectId

from chalicelib.entrypoints import wire
from chalicelib.errors import ArenaError, BadRequest, Conflict, PayloadTooLarge, ValidationFailed


def test_a_plain_body_becomes_data() -> None:
    assert wire.success([1], "r") == {"ok": True, "data": [1], "requestId": "r"}


def test_a_body_that_says_ok_is_sent_as_it_is_and_keeps_its_own_request_id() -> None:
    assert wire.success({"ok": True, "broker": {}}, "r") == {"ok": True, "broker": {}, "requestId": "r"}
    assert wire.success({"ok": True, "requestId": "action"}, "r")["requestId"] == "action"


def test_a_refusal_repeats_its_code_as_message_and_leaves_out_empty_details() -> None:
    assert wire.failure(Conflict("in_progress"), "r") == {
        "ok": False,
        "error": {"code": "in_progress", "message": "in_progress"},
        "requestId": "r",
    }
    assert wire.failure(ValidationFailed({"a": "enum"}), "r")["error"]["details"] == {"a": "enum"}


def test_values_are_written_as_javascript_writes_them() -> None:
    value = {
        "whole": 1.0,
        "half": 0.5,
        "nan": float("nan"),
        "id": ObjectId("0123456789abcdef01234567"),
        "at": datetime(2026, 11, 23, 7, 7, 14, 914_999, tzinfo=UTC),
        "text": "Иван",
    }
    assert wire.dumps(value) == (
        '{"whole":1,"half":0.5,"nan":null,"id":"0123456789abcdef01234567","at":"2026-11-23T07:07:14.914Z","text":"Иван"}'
    )


@pytest.mark.parametrize("raw", [b"", b"  \n", b"[]", b"[1,2]", b"{}"])
def test_bodies_without_fields_are_empty(raw: bytes) -> None:
    assert wire.decode_body(raw, limit_bytes=100) == {}


@pytest.mark.parametrize("raw", [b"{", b"nul", b'"text"', b"42", b"\xff\xfe", b'{"a":NaN}', b"[" * 90_000])
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        wire.decode_body(raw, limit_bytes=100_000)
    assert caught.value.code == "invalid_json"


def test_the_size_limit_is_in_bytes_and_inclusive() -> None:
    raw = '{"a":"é"}'.encode()
    assert wire.decode_body(raw, limit_bytes=len(raw)) == {"a": "é"}
    with pytest.raises(PayloadTooLarge):
        wire.decode_body(raw, limit_bytes=len(raw) - 1)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert wire.decode_body(b'\xef\xbb\xbf{"a":1}', limit_bytes=100) == {"a": 1}


def test_every_error_class_has_a_client_or_server_status() -> None:
    def family(cls: type[ArenaError]) -> set[type[ArenaError]]:
        return {cls}.union(*(family(child) for child in cls.__subclasses__()))

    assert {cls.status for cls in family(ArenaError)} <= {400, 401, 403, 404, 409, 413, 421, 429, 500, 503}
