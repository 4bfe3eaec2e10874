"""What is an envelope and what is not; its canonical form and signature, by vectors others can check theirs against."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.data.extended_json import from_json, to_json
from chalicelib.errors import Unauthorized
from chalicelib.replication.envelope import (
    FORMAT,
    SAFE_INTEGER,
    MalformedEnvelope,
    UnsupportedFormat,
    canonical,
    from_wire,
)
from chalicelib.replication.signing import Keyring

VECTORS = json.loads((Path(__file__).parents[3] / "docs" / "replication-vectors.json").read_text(encoding="utf-8"))
WIRE: dict[str, Any] = VECTORS["envelopes"][0]["wire"]
KEYRING = Keyring({key_id: secret.encode() for key_id, secret in VECTORS["keys"].items()})


def test_an_envelope_comes_back_as_it_went() -> None:
    assert from_wire(WIRE).wire() == WIRE
    assert from_wire(json.loads(json.dumps(WIRE))) == from_wire(WIRE)


WRONG: dict[str, list[Any]] = {
    **{name: [None, "", 1, []] for name in ("entity", "key", "op", "occurredAt", "sentAt")},
    "keyId": [None, "", 7],
    "signature": [None, "", 7, {}],
    "sourceRegion": [None, "", True],
    "eventId": [None, "", "x" * 24, "5F0C2A115F0C2A115F0C2A11", "5f0c", 5],
    "version": [None, "", "0" * 16, "g" * 17, 17],
    "sequence": [None, "", 0, "0" * 16, 10**30],
    "payload": [None, [], "x", {}, {"changes": {}}, {"changes": None}],
    "format": [None, 0, -1, "1", 1.5, True, []],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_what_is_malformed_is_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(MalformedEnvelope, match=field):
        from_wire({**WIRE, field: value})


@pytest.mark.parametrize("field", sorted(WIRE))
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(MalformedEnvelope, match=field):
        from_wire({name: value for name, value in WIRE.items() if name != field})


def test_an_unknown_field_is_named() -> None:
    """It would not be signed."""
    with pytest.raises(MalformedEnvelope, match="extra"):
        from_wire({**WIRE, "extra": 1})


@pytest.mark.parametrize("found", [None, [], "text", 5, [WIRE]])
def test_what_is_no_object_is_no_envelope(found: Any) -> None:
    with pytest.raises(MalformedEnvelope):
        from_wire(found)


def test_a_later_format_is_told_from_a_malformed_one() -> None:
    """Whatever else it holds: it waits for the release that reads it."""
    with pytest.raises(UnsupportedFormat):
        from_wire({"format": FORMAT + 1, "something": "new"})


def test_whole_numbers_are_exact() -> None:
    """A sequence is text, since JSON numbers are not exact that far."""
    assert isinstance(from_wire(WIRE).sequence, str)
    assert canonical({"n": SAFE_INTEGER}) == b'{"n":9007199254740991}'
    for beyond in (SAFE_INTEGER + 1, -SAFE_INTEGER - 1):
        with pytest.raises(MalformedEnvelope):
            canonical({"n": beyond})


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800", {"\ud800": 1}, {1: 2}, object(), b"x"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    """A hostile sender's text, too: it is a refusal, not an error of ours."""
    with pytest.raises(MalformedEnvelope):
        canonical([value])


def test_what_is_nested_too_deep_is_refused() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(MalformedEnvelope):
        canonical(value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NUMBERS = st.one_of(
    st.integers(-SAFE_INTEGER, SAFE_INTEGER), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), TEXT, NUMBERS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)


@given(VALUES)
def test_the_short_way_comes_to_the_same_as_the_standard(value: Any) -> None:
    """Python's own encoder where it writes as RFC 8785 does; the reference implementation elsewhere."""
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("vector", VECTORS["canonical"], ids=lambda vector: str(vector["note"]))
def test_vectors_of_the_canonical_form(vector: dict[str, Any]) -> None:
    assert canonical(json.loads(vector["json"])).hex() == vector["hex"]


@pytest.mark.parametrize("vector", VECTORS["envelopes"], ids=lambda vector: str(vector["note"]))
def test_vectors_of_signatures(vector: dict[str, Any]) -> None:
    """The envelope's canonical form, its signature, and what each tampered copy is."""
    envelope = from_wire(vector["wire"])
    assert envelope.canonical().decode() == vector["canonical"]
    KEYRING.verify(envelope)
    assert to_json(from_json(envelope.payload)) == vector["wire"]["payload"]


@pytest.mark.parametrize("field", sorted({*WIRE} - {"format", "sequence", "eventId", "version"}))
def test_no_field_can_be_changed(field: str) -> None:
    """But for those that say no more than one thing: every change of them is malformed already, or another's."""
    value = WIRE[field]
    tampered = from_wire({**WIRE, field: f"{value}x" if isinstance(value, str) else {**value, "more": 1}})
    with pytest.raises(Unauthorized):
        KEYRING.verify(tampered)
