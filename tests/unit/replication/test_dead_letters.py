"""Which dead letters are tried again, in which order, and why not."""

import json
from datetime import timedelta
from typing import Any

from chalicelib.arena.dead_letters import DeadLetter
from chalicelib.replication.conversion import iso
from chalicelib.replication.dead_letters import Decision, Wanted, decide
from chalicelib.replication.envelope import Envelope
from chalicelib.replication.signing import Keyring
from tests.worlds import NOON

OLD, NEW, STRANGE = ("a" * 40, "b" * 40, "c" * 40)
SIGNERS = {"old": Keyring.parse(f"old:{OLD}"), "new": Keyring.parse(f"new:{NEW},old:{OLD}")}
BELIEVED = SIGNERS["new"]


def letter(number: int, *, keyring: Keyring = SIGNERS["new"], reason: str = "busy: x", **fields: Any) -> DeadLetter:
    envelope = Envelope(
        **{
            "event_id": f"{number:024x}",
            "source_region": "us-east-1",
            "entity": "battle",
            "key": str(number),
            "version": f"{number:012x}00001",
            "op": "change",
            "payload": {"changes": []},
            "occurred_at": iso(NOON - timedelta(days=1)),
            "sent_at": iso(NOON - timedelta(days=1)),
            **fields,
        }
    )
    body = json.dumps(keyring.sign(envelope).wire())
    died_at = NOON - timedelta(minutes=number)
    return DeadLetter(message_id=f"m{number}", receipt="r", body=body, reason=reason, attempts=4, died_at=died_at)


def fates(decisions: list[Decision]) -> dict[str, str]:
    return {one.letter.message_id: one.fate for one in decisions}


def test_they_are_tried_in_the_order_of_their_versions() -> None:
    """Not in the order they died."""
    decisions = decide([letter(3), letter(1), letter(2)], Wanted(), NOON, keyring=BELIEVED)
    assert [one.letter.message_id for one in decisions] == ["m1", "m2", "m3"]


def test_only_those_asked_for() -> None:
    """By entity, key, reason and time."""
    letters = [letter(1), letter(2, entity="guilds"), letter(3, reason="too_old: y")]
    for wanted, expected in (
        (Wanted(), {"m1", "m2", "m3"}),
        (Wanted(entity="guilds"), {"m2"}),
        (Wanted(key="1"), {"m1"}),
        (Wanted(reason="TOO_OLD"), {"m3"}),
        (Wanted(since=NOON - timedelta(minutes=2)), {"m1", "m2"}),
    ):
        decisions = decide(letters, wanted, NOON, keyring=BELIEVED)
        assert {one.letter.message_id for one in decisions if one.fate == "replay"} == expected, wanted


def test_each_is_verified_again_and_a_rotated_key_is_believed_as_long_as_it_is_kept() -> None:
    """A signature that can't be checked any more is refused, with what to do instead."""
    letters = [letter(1, keyring=SIGNERS["old"]), letter(2)]
    assert fates(decide(letters, Wanted(), NOON, keyring=BELIEVED)) == {"m1": "replay", "m2": "replay"}
    later = Keyring.parse(f"next:{STRANGE},new:{NEW}")
    dropped, kept = decide(letters, Wanted(), NOON, keyring=later)
    assert (dropped.fate, kept.fate) == ("refused", "replay")
    assert "verify --repair" in dropped.why


def test_what_was_changed_or_comes_from_elsewhere_or_is_too_old_is_refused() -> None:
    """It would only die again."""
    tampered = letter(1)
    changed = DeadLetter(
        message_id="m1", receipt="r", body=tampered.body.replace('"battle"', '"guilds"'), **_rest(tampered)
    )
    garbage = DeadLetter(message_id="m9", receipt="r", body="{", **_rest(tampered))
    old = letter(3, occurred_at=iso(NOON - timedelta(days=36)))
    found = decide([changed, garbage, old, letter(2)], Wanted(), NOON, keyring=BELIEVED, sources=("eu-west-1",))
    assert set(fates(found).values()) == {"refused"}
    assert found[0].shown()["eventId"] is None


def test_a_message_of_several_events_is_sent_back_whole_or_not_at_all() -> None:
    """SQS moves messages as they are."""
    bodies = [json.loads(letter(number).body) for number in (3, 2)]
    bad = {**bodies[0], "key": "other"}
    for events, fate in ((bodies, "replay"), ([*bodies, bad], "refused"), ([], "refused")):
        together = DeadLetter(message_id="m", receipt="r", body=json.dumps({"events": events}), **_rest(letter(1)))
        (one,) = decide([together], Wanted(key="3"), NOON, keyring=BELIEVED)
        assert one.fate == fate
    (left_out,) = decide([together], Wanted(), NOON, keyring=BELIEVED)
    assert left_out.events == 0


def _rest(one: DeadLetter) -> dict[str, Any]:
    return {"reason": one.reason, "attempts": one.attempts, "died_at": one.died_at}
