"""Queued battles: accepted once, fought once, told to their player, never forgotten."""

from datetime import timedelta

import pytest

from chalicelib.arena.battle_queue import COUNTED_KEPT, BattleQueue
from chalicelib.arena.battle_queue_ports import Waiting
from chalicelib.arena.battle_worker import ATTEMPTS_MAX
from chalicelib.errors import Conflict, NotFound, Unavailable
from tests.consistency import assert_consistent
from tests.queue_worlds import Broken, QueueWorld, outcomes
from tests.worlds import World


@pytest.fixture
def queue(world: World) -> QueueWorld:
    world.add_player("777")
    return QueueWorld(world)


def test_a_queued_battle_is_fought_told_and_announced(queue: QueueWorld, world: World) -> None:
    broker = world.add_broker()
    assert queue.accept(broker) == "queued"
    assert queue.status() == {"requestId": "request-1", "status": "queued"}
    assert world.read("battles") == []
    assert outcomes(queue.deliver()) == ["done"]
    told = queue.status()
    assert (told["status"], told["battle"]["requestId"]) == ("done", "request-1")
    assert (told["battle"]["starsGranted"], told["battle"]["firstWinDiamond"]) == (1, 1)
    assert queue.live.results == [("777", "request-1")]
    assert queue.job()["attempts"] == 1
    assert queue.accept(broker) == "done"
    assert queue.deliver() == []
    assert_consistent(world)


def test_accepting_again_sends_again_and_fights_once_as_queued_first(queue: QueueWorld, world: World) -> None:
    first, second = world.add_broker(), world.add_broker()
    assert [queue.accept(first), queue.accept(second), queue.accept(second)] == ["queued"] * 3
    assert outcomes(queue.deliver()) == ["done", "stale", "stale"]
    assert queue.status()["battle"]["brokerId"] == first["_id"]
    assert len(world.read("battles")) == 1


def test_a_direct_battle_of_the_same_id_is_the_battle(queue: QueueWorld, world: World) -> None:
    broker = world.add_broker()
    queue.accept(broker)
    battle = world.battles().run(world.command(broker)).battle
    assert queue.status()["status"] == "done"
    assert outcomes(queue.deliver()) == ["done"]
    assert queue.status()["battle"] == battle
    assert queue.job()["status"] == "done"
    assert len(world.read("battles")) == 1


def test_a_battle_fought_directly_can_be_asked_about(queue: QueueWorld, world: World) -> None:
    battle = world.battles().run(world.command(world.add_broker())).battle
    assert queue.status() == {"requestId": "request-1", "status": "done", "battle": battle}
    with pytest.raises(NotFound, match="battle not found"):
        queue.status(telegram_id="888")
    with pytest.raises(NotFound, match="battle not found"):
        queue.status("request-2")


def test_another_players_battle_is_a_conflict(queue: QueueWorld, world: World) -> None:
    world.battles().run(world.command(world.add_broker()))
    with pytest.raises(Conflict, match="requestId already used"):
        queue.accept(world.add_broker("888"), telegram_id="888")


def test_of_two_players_with_one_id_the_first_fights(queue: QueueWorld, world: World) -> None:
    queue.accept(world.add_broker())
    queue.accept(world.add_broker("888"), telegram_id="888")
    assert outcomes(queue.deliver()) == ["done", "refused"]
    assert queue.status()["status"] == "done"
    told = queue.status(telegram_id="888")
    assert told["error"] == {"status": 409, "code": "requestId already used", "message": "requestId already used"}


def test_a_refusal_is_final_until_it_is_queued_anew(queue: QueueWorld, world: World) -> None:
    tired, fresh = world.add_broker(energy=0), world.add_broker()
    queue.accept(tired)
    (stale,) = queue.messages.peek()
    assert outcomes(queue.deliver()) == ["refused"]
    error = queue.status()["error"]
    assert (error["status"], error["code"], error["details"]["need"]) == (403, "no energy", 10)
    assert queue.live.results == [("777", "request-1")]
    # The same message once more, when the battle could be fought: its player was told that it is over.
    world.clock.advance(86_400)
    queue.messages.send(stale.body)
    assert outcomes(queue.deliver()) == ["stale"]
    assert world.read("battles") == []
    assert queue.accept(fresh) == "queued"
    assert queue.status()["status"] == "queued"
    queue.messages.send(stale.body)
    assert outcomes(queue.deliver()) == ["done", "stale"]
    assert queue.status()["battle"]["brokerId"] == fresh["_id"]


def test_a_message_that_was_never_sent_is_swept(queue: QueueWorld, world: World) -> None:
    broker = world.add_broker()
    queue.messages.down = True
    with pytest.raises(Unavailable, match="queue"):
        queue.accept(broker)
    queue.messages.down = False
    assert queue.status()["status"] == "queued"
    assert queue.queue.sweep().due == 0
    world.clock.advance(60)
    swept = queue.queue.sweep()
    assert (swept.due, swept.resent) == (1, 1)
    assert queue.queue.sweep().due == 0
    assert outcomes(queue.deliver()) == ["done"]
    world.clock.advance(86_400)
    assert queue.queue.sweep().due == 0


def test_a_message_that_was_lost_is_swept_less_and_less_often(queue: QueueWorld, world: World) -> None:
    queue.accept(world.add_broker())
    sweeps = []
    for minute in range(1, 61):
        world.clock.advance(60)
        if queue.queue.sweep().resent:
            sweeps.append(minute)
    assert sweeps == [1, 3, 7, 15, 30, 45, 60]
    assert outcomes(queue.deliver()) == ["done", *["stale"] * 7]


def test_a_sweep_that_fails_leaves_the_jobs_for_the_next(queue: QueueWorld, world: World) -> None:
    queue.accept(world.add_broker())
    world.clock.advance(60)
    queue.messages.down = True
    with pytest.raises(Unavailable):
        queue.queue.sweep()
    queue.messages.down = False
    assert queue.queue.sweep().resent == 1


def test_a_job_in_a_workers_hands_is_not_swept(queue: QueueWorld, world: World) -> None:
    queue.fights = Broken(Unavailable("database_unavailable"))
    queue.accept(world.add_broker())
    world.clock.advance(50)
    assert outcomes(queue.deliver()) == ["Unavailable"]
    world.clock.advance(60)
    assert queue.queue.sweep().due == 0
    world.clock.advance(60)
    assert queue.queue.sweep().due == 1


def test_a_failed_battle_may_be_queued_anew(queue: QueueWorld, world: World) -> None:
    broker = world.add_broker()
    queue.fights = Broken(RuntimeError())
    queue.accept(broker)
    for _ in range(ATTEMPTS_MAX):
        queue.deliver()
    queue.fights = None
    assert queue.status()["status"] == "failed"
    assert queue.accept(broker) == "queued"
    assert outcomes(queue.deliver()) == ["done"]


def test_lengths_count_by_the_modes_arena_and_league(queue: QueueWorld, world: World) -> None:
    world.add_player("888")
    pro = world.add("gamemodes", key="cup", arena="cupArena", league="pro", enabled=True)
    broker = world.add_broker()
    before = queue.queue.lengths()
    assert set(before.values()) == {0}
    assert len(before) == 16
    queue.accept(broker, "a")
    queue.accept(broker, "b", arena="simulation")
    queue.accept(broker, "c", mode_key=pro["key"], arena="simulation", league="elite")
    queue.accept(broker, "d", arena="nowhere at all")
    queue.accept(broker, "e", mode_key="no such mode")
    found = {pair: length for pair, length in queue.queue.lengths().items() if length}
    assert found == {
        ("prediction", "rookie"): 1,
        ("simulation", "rookie"): 1,
        ("cupArena", "pro"): 1,
        ("other", "other"): 2,
    }
    queue.deliver()
    assert queue.queue.lengths() == before


def test_what_waits_is_counted_for_anybody_every_few_seconds(queue: QueueWorld, world: World) -> None:
    service = queue.queue
    before = service.recently_waiting()
    queue.accept(world.add_broker())
    world.clock.advance(COUNTED_KEPT.total_seconds() - 0.001)
    assert service.recently_waiting() == before
    world.clock.advance(0.001)
    assert sum(found.jobs for found in service.recently_waiting().values()) == 1


def test_the_oldest_waits_from_when_it_was_accepted_whatever_became_of_its_message(
    queue: QueueWorld, world: World
) -> None:
    broker = world.add_broker()

    def oldest() -> float | None:
        return queue.queue.waiting()["prediction", "rookie"].oldest_seconds(world.clock())

    assert oldest() is None
    queue.accept(broker, "a")
    world.clock.advance(100)
    queue.accept(broker, "b")
    queue.queue.sweep()
    assert oldest() == 100
    queue.deliver()
    assert oldest() is None


def test_a_battle_queued_anew_waits_from_then_on(queue: QueueWorld, world: World) -> None:
    queue.fights = Broken(RuntimeError())
    broker = world.add_broker()
    queue.accept(broker)
    for _ in range(ATTEMPTS_MAX):
        queue.deliver()
    world.clock.advance(1000)
    queue.accept(broker)
    world.clock.advance(7)
    assert queue.queue.waiting()["prediction", "rookie"].oldest_seconds(world.clock()) == 7
    assert Waiting(1, world.clock() + timedelta(seconds=1)).oldest_seconds(world.clock()) == 0


def test_jobs_can_be_asked_about_without_a_queue_but_not_queued(world: World) -> None:
    queue = BattleQueue(world.battle_jobs, world.catalogue, None, world.clock)
    with pytest.raises(Unavailable) as refused:
        queue.accept(world.command(world.add_broker()), "correlation")
    assert refused.value.code == "queue_unavailable"
    with pytest.raises(NotFound):
        queue.status("777", "request-1")


def test_what_the_live_queue_may_tell(queue: QueueWorld, world: World) -> None:
    queue.accept(world.add_broker())
    assert queue.queue.of("777", "request-1") is None
    queue.deliver()
    told = queue.queue.of("777", "request-1")
    assert told is not None
    assert set(told) == {"status", "battle"}
    assert queue.queue.of("888", "request-1") is None
