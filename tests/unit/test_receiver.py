"""Receiving: exactly once, nothing unsigned, nothing lost in silence, and nothing given up for our own database."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from chalicelib.arena.ports import Outcome
from chalicelib.errors import ArenaError, Conflict, Unavailable
from chalicelib.replication.applying import REMEMBERED
from chalicelib.replication.envelope import FORMAT, Envelope
from chalicelib.replication.ports import ReplicaSnapshot
from chalicelib.replication.receiver import EARLY, FRESH, RETRIES, Received
from tests.fakes.memory_replica import MemoryReplica
from tests.fakes.memory_store import MemoryStore
from tests.replicated import EAST, HERE, OTHER_KEYRING, Source, Target, nested, signed

T = TypeVar("T")
BROKER_CHANGE = {"collection": "brokers", "key": "b", "set": {"energy": 1}, "entries": {}, "base": {}}


def body(envelope: Envelope) -> str:
    return json.dumps(envelope.wire())


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def target() -> Target:
    return Target()


class Failing(MemoryReplica):
    """Fails the first ``times`` transactions, or those that touch what it is told."""

    def __init__(self, target: Target, error: Exception, times: int = 10**6) -> None:
        super().__init__(MemoryStore(target.database))
        self.error = error
        self.times = times
        self.asked = 0

    def transact(self, work: Callable[[ReplicaSnapshot], Outcome[T]]) -> T:
        self.asked += 1
        if self.asked <= self.times:
            raise self.error
        return super().transact(work)


def test_a_batch_is_applied_and_says_how_long_it_took(source: Source, target: Target) -> None:
    for number in range(3):
        source.change(number, f"n{number}")
    results = target.deliver(*map(body, source.envelopes()))
    assert [(one.fate, one.source, one.lag_seconds) for one in results] == [("applied", HERE, 1.0)] * 3
    assert target.names() == {"0": "n0", "1": "n1", "2": "n2"}
    assert target.counted == results


def test_what_comes_again_is_a_duplicate(source: Source, target: Target) -> None:
    source.change()
    (envelope,) = source.envelopes()
    assert [one.fate for one in target.deliver(body(envelope), body(envelope))] == ["applied", "duplicate"]
    before = target.database.now().tables
    assert [one.fate for one in target.deliver(body(envelope))] == ["duplicate"]
    assert target.database.now().tables == before


def test_the_sources_request_is_known(target: Target) -> None:
    (result,) = target.deliver(body(signed([{**BROKER_CHANGE, "collection": "users", "key": "7"}])))
    assert (result.fate, result.request_id) == ("applied", "r")


def tampered(envelope: Envelope, **fields: Any) -> str:
    return json.dumps({**envelope.wire(), **fields})


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda _: "no JSON", "malformed_envelope"),
        (lambda _: "[" * 100_000, "malformed_envelope"),
        (lambda _: "[]", "malformed_envelope"),
        (lambda one: tampered(one, more=1), "malformed_envelope"),
        (lambda one: tampered(one, format=FORMAT + 1), "unsupported_format"),
        (lambda one: tampered(one, sourceRegion="mars-north-1"), "unknown_source"),
        (lambda one: tampered(one, sourceRegion="eu-west-1"), "unknown_source"),
        (lambda one: tampered(one, sourceRegion=EAST), "bad_signature"),
        (lambda one: tampered(one, keyId="k9"), "unknown_key"),
        (lambda one: tampered(one, key="8"), "bad_signature"),
        (lambda one: tampered(one, payload={"changes": []}), "bad_signature"),
        (lambda one: tampered(one, sentAt="2026-11-23T12:00:01.000Z"), "bad_signature"),
        (lambda one: tampered(one, signature=one.signature[:-1] + "é"), "bad_signature"),
        (lambda one: tampered(one, key="\ud800"), "malformed_envelope"),
    ],
)
def test_what_cannot_be_believed_is_dead_at_once_with_the_reason(
    source: Source, target: Target, damage: Callable[[Envelope], str], code: str
) -> None:
    source.change()
    (good,) = source.envelopes()
    bad = damage(good)
    dead, fine = target.deliver(bad, body(good), receives=2)
    assert (dead.fate, dead.source, fine.fate) == ("dead", "", "applied")
    (letter,) = target.dead.receive()
    assert letter.body == bad
    assert letter.attributes["reason"].startswith(f"{code}: ")
    assert (letter.attributes["attempts"], letter.attributes["sourceMessageId"]) == ("2", "m0")


def test_a_key_that_is_not_ours_is_unknown(source: Source, target: Target) -> None:
    source.change()
    (envelope,) = source.envelopes(OTHER_KEYRING)
    assert target.deliver(body(envelope))[0].reason.startswith("unknown_key: ")


@pytest.mark.parametrize(
    "changes",
    [
        [{"collection": "nothing of ours", "key": "1", "set": {}, "entries": {}, "base": {}}],
        [{"collection": "users"}],
        ["text"],
        [{"collection": "ledgerentries", "facts": [{"amount": 1}]}],
        [{"collection": "users", "key": {"$date": "never"}}],
        [{"collection": "brokers", "key": {"$oid": "no id"}}],
        nested(),
    ],
)
def test_poison_is_dead_and_spoils_no_batch(source: Source, target: Target, changes: list[Any]) -> None:
    source.change()
    poison, fine = target.deliver(body(signed(changes, event_id="0" * 24)), *map(body, source.envelopes()))
    assert (poison.fate, fine.fate) == ("dead", "applied")
    assert poison.reason.startswith("poison_payload: ")


def test_an_event_nobody_could_tell_was_applied_is_dead(source: Source, target: Target) -> None:
    source.change()
    target.clock.advance((REMEMBERED + timedelta(seconds=1)).total_seconds())
    assert target.deliver(*map(body, source.envelopes()))[0].reason.startswith("too_old: ")


def early() -> str:
    return body(signed([BROKER_CHANGE]))


@pytest.mark.parametrize(("receives", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (500, 60)])
def test_what_is_early_waits_for_what_may_be_under_way(target: Target, receives: int, seconds: int) -> None:
    (result,) = target.deliver(early(), receives=receives)
    assert (result.fate, result.again_seconds) == ("again", seconds)


def test_what_is_early_for_too_long_is_dead_after_three_retries(target: Target) -> None:
    target.clock.advance(EARLY.total_seconds())
    for receives in range(1, RETRIES + 1):
        assert target.deliver(early(), receives=receives)[0].fate == "again"
    (result,) = target.deliver(early(), receives=RETRIES + 1)
    assert result.fate == "dead"
    (letter,) = target.dead.receive()
    assert (letter.attributes["attempts"], letter.attributes["reason"][:5]) == ("4", "early")


def test_a_failure_is_tried_three_times_more_each_time_later_then_dead(source: Source, target: Target) -> None:
    source.change()
    target.store = Failing(target, Conflict("conflict"))
    (envelope,) = source.envelopes()
    outcomes = [target.deliver(body(envelope), receives=number)[0] for number in (1, 2, 3, 4)]
    assert [(one.fate, one.again_seconds) for one in outcomes] == [
        ("again", 5),
        ("again", 10),
        ("again", 15),
        ("dead", 0),
    ]
    assert target.dead.receive()[0].attributes["reason"] == "conflict: conflict"


def test_while_the_database_is_away_nothing_is_given_up_and_it_is_asked_once(source: Source, target: Target) -> None:
    for number in range(10):
        source.change(number)
    target.store = failing = Failing(target, Unavailable("database_unavailable"))
    results = target.deliver(*map(body, source.envelopes()), receives=40)
    assert {(one.fate, one.again_seconds) for one in results} == {("again", 60)}
    assert (failing.asked, target.dead.peek()) == (1, [])


def test_a_batch_that_fails_together_is_applied_one_by_one(source: Source, target: Target) -> None:
    for number in range(3):
        source.change(number)
    target.store = Failing(target, Unavailable("busy"), times=1)
    assert [one.fate for one in target.deliver(*map(body, source.envelopes()))] == ["applied"] * 3


def test_what_there_is_no_time_for_comes_again_at_once(source: Source, target: Target) -> None:
    from chalicelib.replication.receiver import Delivery

    for number in range(3):
        source.change(number)
    target.store = Failing(target, Unavailable("busy"), times=1)
    left = iter([True, False, False])
    deliveries = [Delivery(body(one), one.event_id, 1) for one in source.envelopes()]
    results = target.receiver.delivered(deliveries, target.dead, lambda: next(left))
    assert [(one.fate, one.again_seconds) for (one,) in results.values()] == [
        ("applied", 0),
        ("again", 0),
        ("again", 0),
    ]


def test_what_cannot_be_buried_comes_again(target: Target) -> None:
    target.dead.down = True
    (result,) = target.deliver("no JSON", receives=2)
    assert (result.fate, result.again_seconds) == ("again", 10)
    assert "queue_unavailable" in result.reason


def together(*envelopes: Envelope, **more: Any) -> str:
    return json.dumps({"events": [one.wire() for one in envelopes], **more})


def test_a_message_of_several_events_is_applied_whole(source: Source, target: Target) -> None:
    for number in range(10):
        source.change(number)
    assert [one.fate for one in target.deliver(together(*source.envelopes()))] == ["applied"] * 10
    assert len(target.names()) == 10


def test_a_message_comes_again_as_a_whole_and_buries_its_dead_once(source: Source, target: Target) -> None:
    source.change()
    (fine,) = source.envelopes()
    waiting, wrong = signed([BROKER_CHANGE], event_id="0" * 24), replace(fine, key="8")
    message = together(fine, waiting, wrong)
    first = target.deliver(message)
    assert [(one.fate, one.again_seconds) for one in first] == [("applied", 0), ("again", 1), ("again", 1)]
    assert target.dead.peek() == []
    target.clock.advance(EARLY.total_seconds())
    last = target.deliver(message, receives=RETRIES + 1)
    assert [one.fate for one in last] == ["duplicate", "dead", "dead"]
    letters = target.dead.receive()
    assert [json.loads(letter.body) for letter in letters] == [waiting.wire(), wrong.wire()]
    assert [letter.attributes["reason"].split(":")[0] for letter in letters] == ["early", "bad_signature"]


@pytest.mark.parametrize(("count", "code"), [(0, "malformed_envelope"), (11, "too_many_events")])
def test_a_message_of_no_or_too_many_events_is_dead(source: Source, target: Target, count: int, code: str) -> None:
    source.change()
    (envelope,) = source.envelopes()
    (result,) = target.deliver(together(*[envelope] * count))
    assert (result.fate, result.reason.split(":")[0]) == ("dead", code)


def posted(target: Target, *envelopes: Envelope) -> list[Received]:
    return target.receiver.posted([json.loads(body(one)) for one in envelopes])


def test_by_http_the_same_is_applied_once(source: Source, target: Target) -> None:
    source.change()
    (envelope,) = source.envelopes()
    assert [one.fate for one in posted(target, envelope, envelope)] == ["applied", "duplicate"]
    assert [one.fate for one in posted(target, envelope)] == ["duplicate"]
    assert [one.fate for one in posted(target, signed([BROKER_CHANGE], event_id="0" * 24))] == ["again"]


@pytest.mark.parametrize("seconds", [FRESH.total_seconds() + 1, -FRESH.total_seconds() - 2])
def test_by_http_what_was_sent_at_another_time_is_stale(source: Source, target: Target, seconds: float) -> None:
    source.change()
    (envelope,) = source.envelopes()
    target.clock.advance(seconds)
    with pytest.raises(ArenaError) as refused:
        posted(target, envelope)
    assert (refused.value.status, refused.value.code) == (401, "stale")
    assert [one.fate for one in target.deliver(body(envelope))] == ["applied"]


def test_by_http_nothing_is_applied_unless_all_can_be(source: Source, target: Target) -> None:
    source.change()
    (envelope,) = source.envelopes()
    poison = signed([{"collection": "users"}], event_id="0" * 24)
    with pytest.raises(ArenaError) as refused:
        posted(target, envelope, poison)
    assert (refused.value.status, refused.value.code) == (400, "poison_payload")
    assert target.names() == {}
