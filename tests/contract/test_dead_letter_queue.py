"""Dead letters: SQS (as moto plays it) and the fake behave alike; and what is done with them."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import boto3
import pytest
from moto import mock_aws

from chalicelib.arena.dead_letters import DeadLetter, DeadLetterQueue, DeadLetters, Verdict, harmless
from chalicelib.arena.live import Feed
from chalicelib.arena.live_announcements import BoardChanged, MoreFollowers, ResultReady, to_message
from chalicelib.arena.live_replay import AnnouncementReplay, NudgeReplay
from chalicelib.arena.queue_watch import Depth, QueueWatch
from chalicelib.clock import ManualClock
from chalicelib.errors import Unavailable
from chalicelib.messaging.dead_letters import SqsDeadLetters
from chalicelib.messaging.sqs import SqsClient, SqsQueue
from tests.contract.test_message_queue import MotoQueue
from tests.fakes.memory_queue import MemoryDeadLetters, MemoryQueue, ReceivingQueue
from tests.worlds import NOON

REGION = "eu-west-1"


@dataclass(frozen=True)
class Queues:
    """A queue, its dead letters, and the adapter over both."""

    messages: ReceivingQueue
    dead: ReceivingQueue
    letters: DeadLetterQueue

    def die(self, *bodies: str, **attributes: str) -> None:
        for body in bodies:
            self.dead.send(body, attributes={"reason": "busy", "attempts": "5", **attributes})


@pytest.fixture(params=["memory", "sqs"])
def queues(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    if request.param == "memory":
        memory, gone = MemoryQueue(), MemoryQueue()
        yield Queues(memory, gone, MemoryDeadLetters(memory, gone, ManualClock(NOON)))
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        sqs = boto3.client("sqs", region_name=REGION)
        urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("battles", "dead")]
        yield Queues(MotoQueue(urls[0]), MotoQueue(urls[1]), SqsDeadLetters(lambda: sqs, *urls))


def ids(queues: Queues, most: int = 1000) -> list[str]:
    with queues.letters.held(most) as letters:
        return [one.message_id for one in letters]


def test_they_are_nobody_elses_while_held_and_there_again_afterwards(queues: Queues) -> None:
    queues.die(*(str(number) for number in range(23)))
    with queues.letters.held(1000) as letters:
        assert len(letters) == 23
        assert ids(queues) == []
    assert len(ids(queues)) == 23
    assert len(ids(queues, most=12)) == 12


def test_they_are_told_as_they_died(queues: Queues) -> None:
    """What was given them with their death is not given back with them."""
    queues.die("hello", sourceMessageId="m", correlationId="c")
    with queues.letters.held(10) as (letter,):
        assert (letter.body, letter.reason, letter.attempts) == ("hello", "busy", 5)
        queues.letters.send(letter, "again")
        queues.letters.delete(letter)
    (back,) = queues.messages.receive()
    assert (back.body, back.attributes) == ("again", {"correlationId": "c"})
    assert ids(queues) == []


def test_looking_ends_with_those_wanted_and_with_the_time(queues: Queues) -> None:
    queues.die(*(str(number) for number in range(30)))
    first = ids(queues, most=1)[0]
    with queues.letters.held(1000, wanted=[first]) as letters:
        assert first in {one.message_id for one in letters}
        assert len(letters) < 30
    assert len(ids(queues)) == 30
    with queues.letters.held(1000, go_on=lambda: False) as letters:
        assert letters == []


@dataclass
class Memory:
    """``DeadLetters`` of the outbox's queue in memory."""

    messages: MemoryQueue = field(default_factory=MemoryQueue)
    dead: MemoryQueue = field(default_factory=MemoryQueue)
    noted: list[list[str]] = field(default_factory=list)
    judge: NudgeReplay = field(default_factory=NudgeReplay)

    def __post_init__(self) -> None:
        self.queue = MemoryDeadLetters(self.messages, self.dead, ManualClock(NOON))
        self.letters = DeadLetters(self.queue, self.judge, ManualClock(NOON))

    def replay(
        self, wanted: Sequence[str] | None = None, *, go_on: Callable[[], bool] = lambda: True, dry_run: bool = False
    ) -> list[tuple[str, str]]:
        """Message ids and fates."""
        results = self.letters.replay(wanted, go_on, dry_run=dry_run, note=lambda sent: self.noted.append(list(sent)))
        return [(one.message_id, one.fate) for one in results]


@pytest.fixture
def memory() -> Memory:
    made = Memory()
    for number in range(3):
        made.dead.send(f"{number}")
    return made


def test_a_dry_run_says_what_a_run_does_and_does_nothing(memory: Memory) -> None:
    names = [f"message-{number}" for number in range(3)]
    assert memory.replay(dry_run=True) == [(name, "replay") for name in names]
    assert (memory.messages.peek(), len(memory.dead.peek()), memory.noted) == ([], 3, [])
    assert memory.replay() == [(name, "sent") for name in names]
    assert [one.body for one in memory.messages.peek()] == ["0", "1", "2"]
    assert (memory.dead.peek(), memory.noted) == ([], [names])


def test_only_those_named_and_what_is_not_there_is_said(memory: Memory) -> None:
    assert memory.replay(["message-1", "gone"]) == [("message-1", "sent"), ("gone", "left out")]
    assert [one.body for one in memory.dead.peek()] == ["0", "2"]


def test_two_at_once_do_no_harm(memory: Memory) -> None:
    """What one holds the other does not see."""
    with memory.queue.held(2):
        assert memory.replay() == [("message-2", "sent")]
    assert len(memory.dead.peek()) == 2


def test_a_letter_is_deleted_only_after_it_was_sent(memory: Memory) -> None:
    memory.messages.down = True
    assert {fate for _, fate in memory.replay()} == {"failed"}
    assert len(memory.dead.peek()) == 3
    memory.messages.down, memory.queue.stubborn = False, True
    assert {fate for _, fate in memory.replay()} == {"sent"}
    assert (len(memory.dead.peek()), len(memory.messages.peek())) == (3, 3)


def test_what_there_is_no_time_for_stays(memory: Memory) -> None:
    # Two looks, and one letter.
    times = itertools.chain([True] * 3, itertools.repeat(False))
    assert [fate for _, fate in memory.replay(go_on=lambda: next(times))] == ["sent", "left out", "left out"]
    assert [one.body for one in memory.dead.peek()] == ["1", "2"]


def test_nothing_is_sent_that_could_not_be_noted(memory: Memory) -> None:
    def full(_: Sequence[str]) -> None:
        raise Unavailable("database_unavailable")

    with pytest.raises(Unavailable):
        memory.letters.replay(None, lambda: True, dry_run=False, note=full)
    assert (len(memory.dead.peek()), memory.messages.peek()) == (3, [])


def test_some_are_listed_and_whether_there_are_more(memory: Memory) -> None:
    for most, more in ((2, True), (3, False)):
        listed = memory.letters.listed(most, lambda: True)
        assert (len(listed.letters), listed.more) == (most, more)


def test_announcements_go_back_as_they_are_and_tell_no_player() -> None:
    announced = (ResultReady("777", "r"), BoardChanged("score"), MoreFollowers(Feed("score", None), "connection"))
    bodies = [json.dumps(to_message(one)) for one in announced]
    verdicts = AnnouncementReplay().judged([letter(body) for body in [*bodies, "{}"]], NOON)
    assert [one.fate for one in verdicts] == ["replay", "replay", "replay", "refused"]
    assert [dict(one.what) for one in verdicts[:3]] == [
        {"kind": "result"},
        {"kind": "board", "board": "score"},
        {"kind": "board", "board": "score"},
    ]
    assert [AnnouncementReplay().body(one, NOON) for one in verdicts[:3]] == bodies


def letter(body: str, died_at: datetime = NOON) -> DeadLetter:
    return DeadLetter(message_id="m", receipt="r", body=body, reason="", attempts=0, died_at=died_at)


def test_reasons_are_told_without_ids_of_players() -> None:
    assert harmless("duplicate key: { telegramId: 77712345 }, 5 attempts") == (
        "duplicate key: { telegramId: … }, 5 attempts"
    )
    assert harmless("battle 6b042290b0d099afb79631d1 after 300 s") == "battle 6b042290b0d099afb79631d1 after 300 s"


def test_queues_are_watched_and_one_that_does_not_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = SqsClient(REGION)
        battles, dead = (SqsQueue(client, client.raw.create_queue(QueueName=name)["QueueUrl"]) for name in "ab")
        for number in range(3):
            battles.send("x", delay_seconds=number % 2 * 900)
        dead.send("y")
        gone = SqsQueue(client, f"https://sqs.{REGION}.amazonaws.com/123456789012/gone")
        first, second = QueueWatch({"battles": (battles, dead), "live": (gone, None)}).states()
    assert (first.depth, first.dead_letters, first.problem) == (Depth(2, 0, 1), 1, None)
    assert first.counts() == {"visible": 2, "in_flight": 0, "delayed": 1, "dead": 1}
    assert (second.counts(), second.problem) == ({}, "the queue: queue_unavailable; its dead letters: not known here")


def test_the_verdict_is_of_a_letter() -> None:
    (verdict,) = NudgeReplay().judged([letter("{}")], NOON)
    assert verdict == Verdict(letter=letter("{}"), fate="replay", why="wakes the publisher")
