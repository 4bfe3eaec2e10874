"""Keys: who signs, who is believed, and how one goes and another comes without a gap."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.replication.envelope import Envelope, from_wire
from chalicelib.replication.signing import KEYS_MAX, BadSignature, Keyring, MalformedKeyring, UnknownKey

OLD, NEW = "old:" + "o" * 32, "new:" + "n" * 32
VECTORS = Path(__file__).parents[3] / "docs" / "replication-vectors.json"


def envelope() -> Envelope:
    wire: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))["envelopes"][0]["wire"]
    return from_wire(wire)


def believes(receiver: str, sender: str) -> bool:
    try:
        Keyring.parse(receiver).verify(Keyring.parse(sender).sign(envelope()))
    except UnknownKey:
        return False
    return True


def test_a_key_is_changed_without_a_gap() -> None:
    """In three steps, each region when it gets to it: every mixture of two neighbouring steps understands itself."""
    steps = [OLD, f"{OLD},{NEW}", f"{NEW},{OLD}", NEW]
    for before, after in itertools.pairwise(steps):
        for sender, receiver in ((before, after), (after, before), (before, before), (after, after)):
            assert believes(receiver, sender), (receiver, sender)


def test_a_step_must_not_be_left_out() -> None:
    """Which is what the steps are for."""
    assert not believes(OLD, f"{NEW},{OLD}")
    assert not believes(NEW, OLD)


def test_the_first_key_signs_and_is_named_under_the_signature() -> None:
    """An envelope can't be given to another key: the id is signed, too."""
    keyring = Keyring.parse(f"{NEW},{OLD}")
    signed = keyring.sign(envelope())
    assert signed.key_id == "new"
    with pytest.raises(BadSignature):
        keyring.verify(replace(signed, key_id="old"))


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": "0" * 24},
        {"source_region": "eu-west-1"},
        {"entity": "x"},
        {"key": "x"},
        {"version": "0" * 17},
        {"op": "x"},
        {"payload": {"changes": []}},
        {"occurred_at": "2026-11-23T00:00:00.000Z"},
        {"sent_at": "2026-11-23T00:00:00.000Z"},
        {"format": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_is_signed(change: dict[str, Any]) -> None:
    keyring = Keyring.parse(NEW)
    signed = keyring.sign(envelope())
    keyring.verify(signed)
    with pytest.raises(BadSignature):
        keyring.verify(replace(signed, **change))


@pytest.mark.parametrize("signature", ["0" * 64, "", "é", "f" * 63, "F" * 64])
def test_another_signature_is_none(signature: str) -> None:
    keyring = Keyring.parse(NEW)
    with pytest.raises(BadSignature):
        keyring.verify(replace(keyring.sign(envelope()), signature=signature))


def test_signing_twice_comes_to_the_same() -> None:
    """Whatever signature it had before."""
    keyring = Keyring.parse(NEW)
    assert keyring.sign(keyring.sign(envelope())) == keyring.sign(envelope())


def test_signatures_are_compared_in_constant_time() -> None:
    """By the standard library's comparison: the only one this module has."""
    source = (Path(__file__).parents[3] / "chalicelib" / "replication" / "signing.py").read_text(encoding="utf-8")
    assert source.count("hmac.compare_digest(") == 1
    assert "== expected" not in source
    assert "expected ==" not in source


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "onlyid",
        f"{OLD},",
        ":" + "o" * 32,
        "a b:" + "o" * 32,
        "short:" + "o" * 31,
        f"{OLD},{OLD}",
        ",".join(f"k{number}:{'o' * 32}" for number in range(KEYS_MAX + 1)),
    ],
)
def test_a_malformed_keyring_is_refused_without_a_secret_in_the_text(text: str) -> None:
    with pytest.raises(MalformedKeyring) as caught:
        Keyring.parse(text)
    assert "ooo" not in str(caught.value)
    assert "ooo" not in repr(Keyring.parse(OLD))
