"""Publishing: everything reaches every region, a region in trouble holds up nobody, and what can't go is said."""

import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from chalicelib.arena.battle_queue_ports import OutgoingMessage
from chalicelib.arena.ports import Document
from chalicelib.errors import Unavailable
from chalicelib.replication.envelope import from_wire
from chalicelib.replication.outbox_ports import CLAIMED
from chalicelib.replication.publisher import (
    BATCH_BYTES,
    BATCH_MESSAGES,
    LINGER_SECONDS,
    MESSAGE_EVENTS,
    POLL_SECONDS,
    TOO_LARGE,
    Published,
)
from chalicelib.replication.receiver import EVENTS_MAX, several
from tests.fakes.memory_outbox import MemoryOutbox
from tests.fakes.memory_queue import MemoryQueue
from tests.replicated import EAST, KEYRING, WEST, Source


def always() -> bool:
    return True


def bodies(queue: MemoryQueue) -> list[Any]:
    """Of the envelopes in the queue's messages."""
    decoded = [json.loads(message.body) for message in queue.peek()]
    return [one for body in decoded for one in several(body) or [body]]


def told(queue: MemoryQueue) -> set[str]:
    """Event ids, of envelopes whose signatures hold."""
    envelopes = [from_wire(body) for body in bodies(queue)]
    for envelope in envelopes:
        KEYRING.verify(envelope)
    return {envelope.event_id for envelope in envelopes}


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def alone() -> Source:
    """With one other region: only its thread moves the clock."""
    return Source(queues={WEST: MemoryQueue()})


def test_every_region_gets_every_event_once(source: Source) -> None:
    for number in range(25):
        source.change(number)
    done = source.publisher().run(always)
    ids = {str(event["_id"]) for event in source.events()}
    assert done == {EAST: Published(sent=25), WEST: Published(sent=25)}
    for queue in source.queues.values():
        assert told(queue) == ids
        assert len(bodies(queue)) == 25
    assert all(event["pending"] == [] for event in source.events())


def test_it_stays_for_a_second_after_the_last_event_and_no_longer(alone: Source) -> None:
    alone.change()
    alone.publisher().run(always)
    assert LINGER_SECONDS <= alone.seconds <= LINGER_SECONDS + POLL_SECONDS
    assert set(alone.paused) == {POLL_SECONDS}


def test_what_is_committed_while_it_stays_goes_at_once(alone: Source) -> None:
    later = iter(range(100, 103))

    def busy() -> bool:
        if alone.seconds > LINGER_SECONDS / 2 and (number := next(later, None)) is not None:
            alone.change(number)
        return True

    assert alone.publisher().run(busy)[WEST].sent == 3
    assert alone.seconds > 1.5 * LINGER_SECONDS


def test_a_sweep_sends_what_there_is_and_goes(alone: Source) -> None:
    alone.change()
    assert alone.publisher().run(always, linger_seconds=0.0)[WEST].sent == 1
    assert alone.paused == []


def test_it_ends_when_it_may_not_go_on(source: Source) -> None:
    source.change()
    assert source.publisher().run(lambda: False) == {EAST: Published(), WEST: Published()}
    assert source.queues[EAST].peek() == []


def test_a_region_that_fails_holds_up_nobody_and_loses_nothing(source: Source) -> None:
    source.queues[EAST].down = True
    source.change()
    done = source.publisher().run(always)
    assert (done[EAST], done[WEST]) == (Published(failure="queue_unavailable"), Published(sent=1))
    assert source.events()[0]["pending"] == [EAST]
    source.queues[EAST].down = False
    source.clock.advance(CLAIMED.total_seconds())
    assert source.publisher().run(always)[EAST] == Published(sent=1)
    assert source.events()[0]["pending"] == []


def test_a_region_that_does_not_answer_keeps_the_publisher_up_for_the_others(source: Source) -> None:
    """Its thread hangs until the other region has been sent what was committed long after the last event."""
    sent_late = threading.Event()

    class Hanging(MemoryQueue):
        def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
            assert sent_late.wait(60)
            raise Unavailable("queue_unavailable")

    class Watched(MemoryQueue):
        def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
            if source.seconds > 3 * LINGER_SECONDS:
                sent_late.set()
            return super().send_batch(messages)

    source.queues |= {EAST: Hanging(), WEST: Watched()}
    source.change(1)
    late = iter([2])

    def after_a_while() -> bool:
        if source.seconds > 4 * LINGER_SECONDS and (number := next(late, None)) is not None:
            source.change(number)
        return True

    done = source.publisher().run(after_a_while)
    assert (done[EAST].failure, done[WEST].sent) == ("queue_unavailable", 2)


def test_what_the_queue_refuses_comes_again(source: Source) -> None:
    class Picky(MemoryQueue):
        def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
            super().send_batch(messages[1:])
            return [messages[0]]

    source.queues[EAST] = Picky()
    for number in range(MESSAGE_EVENTS + 2):
        source.change(number)
    assert source.publisher().run(always)[EAST] == Published(sent=2, failure="refused")
    assert sum(EAST in event["pending"] for event in source.events()) == MESSAGE_EVENTS


def test_calls_and_messages_are_as_large_as_queue_and_receiver_take_them(source: Source) -> None:
    calls: list[list[str]] = []

    class Measuring(MemoryQueue):
        def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
            calls.append([message.body for message in messages])
            return super().send_batch(messages)

    source.queues[EAST] = Measuring()
    for number in range(250):
        source.change(number, "x" * (60_000 if number < 9 else 10))
    source.publisher().run(always)
    assert len(told(source.queues[EAST])) == 250
    assert all(len(call) <= BATCH_MESSAGES and sum(map(len, call)) <= BATCH_BYTES for call in calls)
    counts = [len(several(json.loads(body)) or "1") for call in calls for body in call]
    assert sum(counts) == 250
    assert max(counts) == MESSAGE_EVENTS == EVENTS_MAX
    # Far fewer messages than events.
    assert len(counts) < 40


def test_an_event_too_large_for_a_message_is_set_aside_and_counted(source: Source) -> None:
    counted: list[tuple[str, Published]] = []
    source.change(1, "x" * BATCH_BYTES)
    source.change(2)
    done = source.publisher(counted=lambda region, one: counted.append((region, one))).run(always)
    assert done[WEST] == Published(sent=1, set_aside=1)
    large, _ = source.events()
    assert {one["region"]: one["fault"] for one in large["setAside"]} == {EAST: TOO_LARGE, WEST: TOO_LARGE}
    assert dict(counted) == done


def test_an_event_that_cannot_be_signed_is_set_aside_with_the_reason(source: Source) -> None:
    source.change(1, "\ud800")
    source.publisher().run(always)
    (event,) = source.events()
    assert event["setAside"][0]["fault"].startswith("unsendable: ")
    assert event["pending"] == []


def test_who_dies_between_sending_and_saying_so_sends_twice_and_loses_nothing(source: Source) -> None:
    class Died(Exception):
        pass

    class Dying(MemoryOutbox):
        def sent(self, target: str, ids: Sequence[Any], now: Any) -> None:
            raise Died

    source.change()
    source.outbox_of = Dying
    with pytest.raises(Died):
        source.publisher().run(always)
    source.outbox_of = MemoryOutbox
    source.clock.advance(CLAIMED.total_seconds())
    assert source.publisher().run(always)[EAST].sent == 1
    assert len(bodies(source.queues[EAST])) == 2
    assert len(told(source.queues[EAST])) == 1


def test_a_database_that_is_away_ends_the_run_and_says_so(source: Source) -> None:
    class Away(MemoryOutbox):
        def claim(self, target: str, now: Any, limit: int) -> list[Document]:
            raise Unavailable("database_unavailable")

    source.outbox_of = Away
    assert source.publisher().run(always) == {
        region: Published(failure="database_unavailable") for region in (EAST, WEST)
    }


def test_what_is_sent_is_told_by_correlation_id_each_once_and_of_earlier_releases_none(alone: Source) -> None:
    for number, alone.correlation_id in enumerate(["a", "b", "a", ""]):
        alone.change(number)
    heard: list[tuple[str, ...]] = []
    alone.publisher(counted=lambda _, published: heard.append(published.correlation_ids)).run(always)
    assert sorted(heard[0]) == ["a", "b"]
    payloads = [one["payload"].get("correlationId", "none") for one in bodies(alone.queues[WEST])]
    assert sorted(payloads) == ["a", "a", "b", "none"]


def test_what_a_queue_did_not_take_is_not_told_as_sent(alone: Source) -> None:
    class Full(MemoryQueue):
        def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
            return list(messages)

    alone.queues[WEST] = Full()
    alone.correlation_id = "a"
    alone.change()
    heard: list[Published] = []
    alone.publisher(counted=lambda _, published: heard.append(published)).run(always)
    assert heard == [Published(failure="refused")]


def test_the_signature_is_made_when_it_is_sent(alone: Source) -> None:
    alone.change()
    alone.clock.advance(3600)
    alone.publisher().run(always)
    (sent,) = bodies(alone.queues[WEST])
    assert (sent["occurredAt"], sent["sentAt"]) == ("2026-11-23T12:00:00.000Z", "2026-11-23T13:00:00.000Z")


def test_a_message_holds_ascii_alone(source: Source) -> None:
    """SQS refuses some characters."""
    source.change(1, "Ω\ufffe\x00")
    source.publisher().run(always)
    (message,) = source.queues[EAST].peek()
    assert message.body.isascii()
    assert json.loads(message.body)["payload"]["changes"][0]["set"]["username"] == "Ω\ufffe\x00"
    assert told(source.queues[EAST])


def test_what_another_publisher_has_claimed_is_left_to_it(alone: Source) -> None:
    alone.change()
    assert alone.outbox.claim(WEST, alone.clock(), 1)
    assert alone.publisher().run(always, linger_seconds=0.0) == {WEST: Published()}
    alone.clock.advance(CLAIMED.total_seconds())
    assert alone.publisher().run(always, linger_seconds=0.0) == {WEST: Published(sent=1)}
