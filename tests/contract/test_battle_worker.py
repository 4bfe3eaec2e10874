"""Workers of the battle queue: what fails, dies, comes twice or comes late."""

from dataclasses import replace

import pytest

from chalicelib.arena.battle_jobs import done, key_of
from chalicelib.arena.battle_worker import ATTEMPTS_MAX
from chalicelib.errors import Conflict, Unavailable
from tests.queue_worlds import Broken, QueueWorld, outcomes
from tests.worlds import World


@pytest.fixture
def queue(world: World) -> QueueWorld:
    world.add_player("777")
    return QueueWorld(world)


def test_a_battle_whose_worker_has_not_ended_its_job_is_not_told_yet(queue: QueueWorld, world: World) -> None:
    """What it granted stands in the job alone: told now, the battle would be told without it."""
    broker = world.add_broker()
    queue.accept(broker)
    key = key_of(queue.job())
    assert world.battle_jobs.claim(key, world.clock(), world.clock()) == 1
    fought = world.battles().run(world.command(broker))
    assert queue.status() == {"requestId": "request-1", "status": "queued"}
    assert queue.queue.of("777", "request-1") is None
    assert queue.accept(broker) == "queued"
    world.battle_jobs.finish(key, done(fought, world.clock()))
    assert queue.status()["battle"] == {**fought.battle, "starsGranted": 1, "firstWinDiamond": 1}


def test_a_duplicate_that_ends_the_job_first_hides_nothing_for_good(queue: QueueWorld, world: World) -> None:
    broker = world.add_broker()
    queue.accept(broker)
    key = key_of(queue.job())
    world.battle_jobs.claim(key, world.clock(), world.clock())
    fought = world.battles().run(world.command(broker))
    assert outcomes(queue.deliver()) == ["done"]
    assert "starsGranted" not in queue.status()["battle"]
    world.battle_jobs.finish(key, done(fought, world.clock()))
    assert queue.status()["battle"]["starsGranted"] == 1
    world.battle_jobs.finish(key, done(replace(fought, replayed=True), world.clock()))
    assert queue.status()["battle"]["starsGranted"] == 1


def test_a_lost_race_is_tried_again_and_not_told_as_a_refusal(queue: QueueWorld, world: World) -> None:
    queue.fights = Broken(Conflict("conflict", "another request holds the same unique key"))
    queue.accept(world.add_broker())
    assert outcomes(queue.deliver()) == ["Conflict"]
    assert queue.status()["status"] == "queued"
    queue.fights = None
    assert outcomes(queue.deliver()) == ["done"]


def test_what_its_worker_did_not_live_to_announce_is_announced_by_the_next(queue: QueueWorld, world: World) -> None:
    broker = world.add_broker()
    queue.accept(broker)
    key = key_of(queue.job())
    world.battle_jobs.claim(key, world.clock(), world.clock())
    world.battle_jobs.finish(key, done(world.battles().run(world.command(broker)), world.clock()))
    assert queue.live.results == []
    assert outcomes(queue.deliver()) == ["stale"]
    assert queue.live.results == [("777", "request-1")]


def test_deliveries_without_time_for_the_message_do_not_count(queue: QueueWorld, world: World) -> None:
    queue.accept(world.add_broker())
    for _ in range(ATTEMPTS_MAX + 1):
        (message,) = queue.messages.receive()
        queue.messages.release(message)
    assert outcomes(queue.deliver()) == ["done"]
    assert queue.dead.receive() == []


def test_duplicates_are_no_attempts_at_a_message(queue: QueueWorld, world: World) -> None:
    broker = world.add_broker()
    queue.fights = Broken(Unavailable("busy"))
    for _ in range(ATTEMPTS_MAX + 1):
        queue.accept(broker)
    assert outcomes(queue.deliver()) == ["Unavailable"] * (ATTEMPTS_MAX + 1)
    queue.fights = None
    assert outcomes(queue.deliver()) == ["done", *["stale"] * ATTEMPTS_MAX]
    assert queue.dead.receive() == []


@pytest.mark.parametrize("error", [Unavailable("database_unavailable"), RuntimeError("böse\n")])
def test_what_fails_five_times_is_dead_with_its_reason(queue: QueueWorld, world: World, error: Exception) -> None:
    broken = queue.fights = Broken(error)
    broker = world.add_broker()
    queue.accept(broker)
    (message,) = queue.messages.peek()
    handled = [outcomes(queue.deliver()) for _ in range(ATTEMPTS_MAX)]
    assert handled == [[type(error).__name__]] * (ATTEMPTS_MAX - 1) + [["dead"]]
    assert (broken.calls, queue.deliver()) == (ATTEMPTS_MAX, [])
    (dead,) = queue.dead.receive()
    reason = "database_unavailable: database_unavailable" if isinstance(error, Unavailable) else "RuntimeError: b?se?"
    assert dead.body == message.body
    assert dead.attributes == {"reason": reason, "attempts": "5", "sourceMessageId": message.message_id}
    told = queue.status()
    assert (told["status"], told["error"]["code"]) == ("failed", "battle_failed")
    assert queue.job()["reason"] == reason
    assert queue.live.results == [("777", "request-1")]
    # Its player was told that it is over: only the player begins it anew.
    queue.fights = None
    queue.messages.send(dead.body)
    assert outcomes(queue.deliver()) == ["stale"]
    assert queue.status()["status"] == "failed"
    assert world.read("battles") == []
    assert queue.accept(broker) == "queued"
    assert outcomes(queue.deliver()) == ["done"]
    assert "error" not in queue.status()


def test_a_message_whose_workers_all_died_is_dead(queue: QueueWorld, world: World) -> None:
    queue.accept(world.add_broker())
    for _ in range(ATTEMPTS_MAX):
        (message,) = queue.messages.receive()
        world.battle_jobs.claim(key_of(queue.job()), world.clock(), world.clock())
        queue.messages.release(message)
    assert outcomes(queue.deliver()) == ["dead"]
    (dead,) = queue.dead.receive()
    assert dead.attributes["reason"] == "not finished in 5 attempts"
    assert queue.status()["status"] == "failed"
    assert world.read("battles") == []


def test_an_illegible_message_is_dead_at_once(queue: QueueWorld) -> None:
    queue.messages.send('{"format":2}')
    assert outcomes(queue.deliver()) == ["dead"]
    (dead,) = queue.dead.receive()
    assert dead.attributes["reason"] == "illegible: unknown format 2"
    assert (dead.attributes["attempts"], queue.live.results) == ("1", [])


def test_a_message_that_can_not_be_buried_is_tried_again(queue: QueueWorld) -> None:
    queue.messages.send("nonsense")
    queue.dead.down = True
    assert outcomes(queue.deliver()) == ["Unavailable"]
    queue.dead.down = False
    assert outcomes(queue.deliver()) == ["dead"]


def test_a_battle_fought_before_its_worker_died_is_told_by_the_next(queue: QueueWorld, world: World) -> None:
    broker = world.add_broker()
    queue.accept(broker)
    world.battle_jobs.claim(key_of(queue.job()), world.clock(), world.clock())
    world.battles().run(world.command(broker))
    assert queue.status()["status"] == "queued"
    assert outcomes(queue.deliver()) == ["done"]
    assert queue.status()["status"] == "done"
