"""Nudges: seldom, and never in a battle's way."""

from datetime import timedelta

import pytest

from chalicelib.arena import outbox
from chalicelib.arena.ports import Insert, Update
from chalicelib.clock import ManualClock
from chalicelib.errors import Unavailable
from chalicelib.messaging.outbox_nudge import AWAY, QUIET, OutboxNudge
from tests.worlds import NOON

TOLD = [Insert("battles", ({},)), Insert(outbox.COLLECTION, ({},))]
NOT_TOLD = [Update("battlejobs", {"_id": 1}, {"$set": {"status": "done"}})]


class Queue:
    def __init__(self) -> None:
        self.sent = 0
        self.down = False

    def __call__(self, body: str) -> None:
        self.sent += 1
        if self.down:
            raise Unavailable("queue_unavailable")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def faults() -> list[Exception]:
    return []


@pytest.fixture
def nudge(queue: Queue, clock: ManualClock, faults: list[Exception]) -> OutboxNudge:
    return OutboxNudge(queue, clock, faults.append)


def test_most_battles_of_a_busy_environment_send_nothing(nudge: OutboxNudge, queue: Queue, clock: ManualClock) -> None:
    """200 battles in ten seconds."""
    for _ in range(200):
        nudge.committed(TOLD)
        clock.advance(0.05)
    assert queue.sent == 10 / QUIET.total_seconds() + 0.5


def test_what_tells_nobody_anything_nudges_nobody(nudge: OutboxNudge, queue: Queue) -> None:
    nudge.committed(NOT_TOLD)
    nudge.committed([])
    assert queue.sent == 0
    assert nudge.beside(TOLD) == ()


def test_a_queue_that_is_away_is_left_alone_for_a_while(
    nudge: OutboxNudge, queue: Queue, clock: ManualClock, faults: list[Exception]
) -> None:
    queue.down = True
    nudge.committed(TOLD)
    for _ in range(4):
        clock.advance(1)
        nudge.committed(TOLD)
    assert (queue.sent, len(faults)) == (1, 1)
    queue.down = False
    clock.advance(AWAY.total_seconds() - 4)
    nudge.committed(TOLD)
    assert (queue.sent, len(faults)) == (2, 1)


def test_a_clock_that_was_put_back_silences_nobody(nudge: OutboxNudge, queue: Queue, clock: ManualClock) -> None:
    nudge.committed(TOLD)
    clock.advance(-timedelta(hours=1).total_seconds())
    nudge.committed(TOLD)
    assert queue.sent == 2
