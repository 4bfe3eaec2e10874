"""Telegram's signature against the golden payloads, and the rules of age and identity."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena import initdata
from chalicelib.errors import Unauthorized
from tests.unit.arena.golden import vectors

TOKEN = "123456:test-token"
NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
USER = {"id": 777, "first_name": "Ann", "last_name": "Lee", "username": "ann", "language_code": "en", "photo_url": "u"}
CASES = vectors("initdata")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']} {case['kind']}")
def test_initdata_vector(case: dict[str, Any]) -> None:
    expected = case["expected"]
    if expected["ok"]:
        content = initdata.check_signature(case["initData"], case["botToken"])
        found = {"ok": True, "user": content.user, "authDate": content.auth_date, "queryId": content.query_id}
        assert found == expected
    else:
        with pytest.raises(Unauthorized) as refused:
            initdata.check_signature(case["initData"], case["botToken"])
        assert refused.value.code == "telegram auth failed"
        assert refused.value.details == expected["error"]


def signed(user: object = USER, **fields: str) -> str:
    if "auth_date" not in fields:
        fields["auth_date"] = str(NOW_S)
    return initdata.sign({**fields, "user": user if isinstance(user, str) else json.dumps(user)}, TOKEN)


def verify(text: str, *, max_age_seconds: int = 900, now: datetime = NOW) -> initdata.Identity:
    return initdata.verify(text, TOKEN, now=now, max_age_seconds=max_age_seconds)


def refusal(text: str, **options: Any) -> str:
    with pytest.raises(Unauthorized) as refused:
        verify(text, **options)
    return refused.value.code


def test_an_identity() -> None:
    identity = verify(signed())
    assert (identity.telegram_id, identity.username) == ("777", "ann")
    assert identity.profile == {
        "username": "ann",
        "telegram": {"username": "ann", "firstName": "Ann", "lastName": "Lee", "languageCode": "en", "photoUrl": "u"},
    }


def test_a_profile_is_text_throughout() -> None:
    profile = initdata.profile_of({"id": 1, "first_name": None, "username": 5, "last_name": "x\ud800"})
    assert profile["telegram"] == {
        "username": "",
        "firstName": "",
        "lastName": "x\ufffd",
        "languageCode": "",
        "photoUrl": "",
    }


@pytest.mark.parametrize(
    ("age_seconds", "max_age_seconds", "passes"),
    [(899, 900, True), (900, 900, True), (901, 900, False), (-99999, 900, True), (10**9, 0, True), (10**9, -5, True)],
)
def test_age(age_seconds: int, max_age_seconds: int, passes: bool) -> None:
    text = signed(auth_date=str(NOW_S - age_seconds))
    if passes:
        assert verify(text, max_age_seconds=max_age_seconds).telegram_id == "777"
    else:
        assert refusal(text, max_age_seconds=max_age_seconds) == "telegram auth expired"


@pytest.mark.parametrize("auth_date", ["", " ", "yesterday", "Infinity"])
def test_a_signed_payload_without_a_numeric_date_has_no_age(auth_date: str) -> None:
    assert verify(signed(auth_date=auth_date)).telegram_id == "777"


def test_a_date_of_zero_is_a_date() -> None:
    assert refusal(signed(auth_date="0")) == "telegram auth expired"


def test_the_same_payload_passes_again_until_it_expires() -> None:
    text = signed()
    assert verify(text) == verify(text, now=NOW + timedelta(seconds=899))
    assert refusal(text, now=NOW + timedelta(seconds=901)) == "telegram auth expired"


@pytest.mark.parametrize(
    ("identifier", "telegram_id"), [(5029398411, "5029398411"), (2**60 + 1, str(2**60 + 1)), ("42", "42"), (42.0, "42")]
)
def test_an_id_is_a_decimal_string(identifier: object, telegram_id: str) -> None:
    assert verify(signed({"id": identifier})).telegram_id == telegram_id


@pytest.mark.parametrize("identifier", [None, 0, "", -5, True, 1.5, "abc", "٣", "0", [], {}])
def test_what_is_no_id_is_refused(identifier: object) -> None:
    assert refusal(signed({"id": identifier})) == "telegram auth missing user id"


@pytest.mark.parametrize("user", ["", "{", "5", "null", "[]", '{"id": NaN}', "[" * 5000, '{"id":' + "1" * 5000 + "}"])
def test_a_user_that_cannot_be_read_is_no_user(user: str) -> None:
    assert refusal(signed(user)) == "telegram auth missing user id"


def test_a_forged_hash_of_any_characters_is_a_mismatch() -> None:
    for forged in ("é", "%F0%9F%A6%8A", "\ud800"):
        with pytest.raises(Unauthorized) as refused:
            verify(f"auth_date=1&hash={forged}")
        assert refused.value.details == "hash mismatch"


def test_the_first_hash_counts_and_no_hash_is_signed() -> None:
    text = signed()
    assert verify(f"{text}&hash=second").telegram_id == "777"
    with pytest.raises(Unauthorized):
        verify(f"hash=second&{text}")


def test_duplicates_of_a_key_are_all_signed() -> None:
    with pytest.raises(Unauthorized):
        verify(f"{signed()}&auth_date=1")


def test_no_other_pairs_pass_under_the_same_hash() -> None:
    """A sign-in of long ago, its date hidden in the next pair's key or its own value: the signed lines are the same."""
    old = dict(parse_qsl(signed(auth_date="1000000000", query_id="AAH")))
    kept = {"user": old["user"], "hash": old["hash"]}
    for forged in (
        {"auth_date=1000000000\nquery_id": "AAH", **kept},
        {"auth_date": "1000000000\nquery_id=AAH", **kept},
        {"auth_date=1000000000\nquery_id=AAH\nuser": old["user"], "hash": old["hash"]},
    ):
        with pytest.raises(Unauthorized) as refused:
            verify(urlencode(forged))
        assert refused.value.details == "ambiguous fields"
    assert refusal(urlencode(old)) == "telegram auth expired"


def test_an_endless_payload_is_refused_unread() -> None:
    with pytest.raises(Unauthorized) as refused:
        verify("a" * 20_000)
    assert refused.value.details == "initData too long"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("?a=1", [("a", "1")]),
        ("a+b=c%2Bd", [("a b", "c+d")]),
        ("a=%zz&=x&&c=d=e&f", [("a", "%zz"), ("", "x"), ("c", "d=e"), ("f", "")]),
        ("a=%E2%82&b=%F0%9F%A6%8A", [("a", "\ufffd"), ("b", "🦊")]),
        ("a;b=c", [("a;b", "c")]),
        ("a=x\ud800", [("a", "x\ufffd")]),
    ],
)
def test_parsing_as_a_browser_does(text: str, pairs: list[tuple[str, str]]) -> None:
    assert initdata.parse(text) == pairs


@given(
    fields=st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="=\n")),
        st.text(st.characters(codec="utf-8", exclude_characters="\n")),
        max_size=6,
    ),
    token=st.text(st.characters(codec="utf-8"), min_size=1),
)
def test_what_is_signed_is_accepted_and_anything_else_is_not(fields: dict[str, str], token: str) -> None:
    text = initdata.sign(fields, token)
    initdata.check_signature(text, token)
    assert dict(parse_qsl(text, keep_blank_values=True)).keys() == fields.keys() | {"hash"}
    with pytest.raises(Unauthorized):
        initdata.check_signature(text, f"{token}x")
    with pytest.raises(Unauthorized):
        initdata.check_signature(f"{text}&extra=1", token)
