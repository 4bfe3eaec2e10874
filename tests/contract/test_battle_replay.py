"""Queued battles that were given up and are sent back: right by what their job is, on both stores."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from chalicelib.arena import battle_jobs
from chalicelib.arena.battle_replay import BattleReplay
from chalicelib.arena.dead_letters import DeadLetters, Result
from chalicelib.arena.ports import Document
from chalicelib.errors import Unavailable
from tests.consistency import assert_consistent
from tests.fakes.memory_queue import MemoryDeadLetters
from tests.queue_worlds import Broken, QueueWorld, outcomes
from tests.worlds import World


@pytest.fixture
def queue(world: World) -> QueueWorld:
    world.add_player("777")
    return QueueWorld(world)


def letters(queue: QueueWorld) -> DeadLetters:
    dead = MemoryDeadLetters(queue.messages, queue.dead, queue.world.clock)
    return DeadLetters(dead, BattleReplay(queue.world.battle_jobs), queue.world.clock)


def replay(queue: QueueWorld, wanted: Sequence[str] | None = None) -> list[Result]:
    return letters(queue).replay(wanted, lambda: True, dry_run=False, note=lambda _: None)


def given_up(queue: QueueWorld, request_id: str = "request-1") -> Document:
    """The broker of a battle that was tried five times in vain."""
    broker = queue.world.add_broker()
    queue.accept(broker, request_id)
    broken = QueueWorld(queue.world, Broken(Unavailable("busy")), queue.messages, queue.dead, queue.live)
    for _ in range(5):
        broken.deliver()
    assert queue.status(request_id)["status"] == "failed"
    return broker


def test_a_failed_job_begins_its_next_round_and_is_fought_once(queue: QueueWorld, world: World) -> None:
    """Its player may ask about it all the while; sent back as it was it would come to nothing."""
    given_up(queue)
    (verdict,) = letters(queue).listed(10, lambda: True).letters
    assert (verdict.fate, verdict.why) == ("replay", "it failed: queued anew as round 2")
    assert (verdict.what["status"], verdict.what["round"]) == ("failed", 1)
    assert "777" not in str(dict(verdict.what))
    assert [one.fate for one in replay(queue)] == ["sent"]
    assert (queue.status()["status"], queue.job()["round"]) == ("queued", 2)
    assert outcomes(queue.deliver()) == ["done"]
    assert queue.status()["status"] == "done"
    assert (len(world.read("battles")), queue.dead.peek()) == (1, [])
    assert_consistent(world)


def test_two_operators_at_once_make_one_battle(queue: QueueWorld, world: World) -> None:
    """One decides while the other sends: the second's message is of a round that is over."""
    given_up(queue)
    judge = BattleReplay(world.battle_jobs)
    with MemoryDeadLetters(queue.messages, queue.dead, world.clock).held(1) as held:
        verdicts = [judge.judged(held, world.clock())[0] for _ in range(2)]
    for verdict in verdicts:
        queue.messages.send(judge.body(verdict, world.clock()))
    assert sorted(outcomes(queue.deliver())) == ["done", "stale"]
    assert len(world.read("battles")) == 1
    assert_consistent(world)


def test_what_dies_between_the_round_and_the_message_is_swept(queue: QueueWorld, world: World) -> None:
    """And its letter, still there, comes to nothing when it is sent."""
    given_up(queue)
    queue.messages.down = True
    assert [one.fate for one in replay(queue)] == ["failed"]
    queue.messages.down = False
    world.clock.advance(battle_jobs.FIRST_LOOK.total_seconds() + 1)
    assert queue.queue.sweep().resent == 1
    (again,) = replay(queue)
    assert (again.fate, again.why) == ("sent", "its job is queued in round 2: sent back it comes to nothing")
    assert sorted(outcomes(queue.deliver())) == ["done", "stale"]
    assert len(world.read("battles")) == 1


def test_what_was_decided_meanwhile_is_not_decided_again(queue: QueueWorld, world: World) -> None:
    """Fought directly, queued again by its player."""
    direct, again = given_up(queue, "direct"), given_up(queue, "again")
    world.battles().run(world.command(direct, "direct"))
    queue.accept(again, "again")
    assert outcomes(queue.deliver()) == ["done"]
    whys = {one.why for one in replay(queue)}
    assert whys == {"it is fought: sent back it comes to nothing"}
    assert outcomes(queue.deliver()) == ["stale", "stale"]
    assert (len(world.read("battles")), queue.dead.peek()) == (2, [])
    assert_consistent(world)


def test_a_job_that_waits_is_sent_as_it_is(queue: QueueWorld, world: World) -> None:
    """Its message was moved by SQS itself, or its worker died between burying and failing it."""
    queue.accept(world.add_broker())
    (message,) = queue.messages.receive()
    queue.dead.send(message.body)
    queue.messages.delete(message)
    (sent,) = replay(queue)
    assert (sent.fate, sent.why) == ("sent", "it waits still: fought when it comes")
    assert outcomes(queue.deliver()) == ["done"]


def test_what_nobody_can_ask_about_any_more_stays(queue: QueueWorld, world: World) -> None:
    """A job is forgotten after a week, a letter after two: its player was told that it failed."""
    given_up(queue)
    (letter,) = queue.dead.peek()
    strange = QueueWorld(world)
    strange.dead.send(letter.body.replace("request-1", "request-9"))
    strange.dead.send("{")
    assert [one.fate for one in replay(strange)] == ["refused", "refused"]
    assert len(strange.dead.peek()) == 2
    assert timedelta(days=7) == battle_jobs.LIFETIME
