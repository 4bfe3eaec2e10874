"""Fencing numbers, and protected writes refused to whoever is not the newest holder; on both stores."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.arena.battle_jobs import key_of
from chalicelib.arena.follow_up_ports import FollowUpSnapshot
from chalicelib.arena.moments import epoch_ms
from chalicelib.arena.ports import Insert, Outcome, Update
from chalicelib.locks import FencedOut, Guard
from tests.queue_worlds import QueueWorld
from tests.worlds import NOON, World


def drawn(world: World, lock: str = "work") -> Guard:
    return Guard(lock, world.fences.draw(lock))


def test_numbers_rise_by_lock_and_begin_with_the_time(world: World) -> None:
    """So that what was stored under numbers of a lost collection is not above them for ever."""
    numbers = [world.fences.draw("work") for _ in range(5)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] >= epoch_ms(NOON)
    world.clock.advance(-86_400)
    assert world.fences.draw("work") > numbers[-1]
    assert world.fences.draw("other work") < numbers[0]


def test_no_number_is_drawn_twice(world: World) -> None:
    """By eight at once, of a lock nobody has held before."""
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda _: world.fences.draw("work"), range(80)))
    assert len(set(drawn)) == 80
    assert max(drawn) - min(drawn) < 90


def test_only_the_newest_number_is_the_newest(world: World) -> None:
    older, newer = drawn(world), drawn(world)
    assert [world.fences.is_newest(guard) for guard in (older, newer)] == [False, True]
    assert not world.fences.is_newest(Guard("nobody's", 1))


def writing(world: World, name: str) -> Outcome[str]:
    return Outcome(name, (Insert("bossdamages", ({"bossId": name, "battleId": world.store.new_id()},)),))


def test_a_transaction_of_an_earlier_holder_writes_nothing(world: World) -> None:
    older, newer = drawn(world), drawn(world)
    with pytest.raises(FencedOut) as caught:
        world.follow_up_store.transact(lambda _: writing(world, "late"), older)
    assert caught.value.code == "fenced_out"
    assert world.follow_up_store.transact(lambda _: writing(world, "first"), newer) == "first"
    assert world.follow_up_store.transact(lambda _: writing(world, "second"), newer) == "second"
    assert sorted(row["bossId"] for row in world.read("bossdamages")) == ["first", "second"]
    assert world.one("fences")["writes"] == 2


def test_a_number_drawn_during_a_transaction_undoes_it(world: World) -> None:
    """The earlier holder's snapshot is older than the later holder's number: looking at it there would not do."""
    older = drawn(world)
    newer: list[Guard] = []

    def work(snapshot: FollowUpSnapshot) -> Outcome[str]:
        assert snapshot.due(NOON, 1).events == []
        if not newer:
            newer.append(drawn(world))
        return writing(world, "late")

    with pytest.raises(FencedOut):
        world.follow_up_store.transact(work, older)
    assert world.read("bossdamages") == []
    assert world.follow_up_store.transact(lambda _: writing(world, "in time"), newer[0]) == "in time"


def test_what_writes_nothing_needs_no_number(world: World) -> None:
    older, _ = drawn(world), drawn(world)
    assert world.follow_up_store.transact(lambda _: Outcome("read"), older) == "read"


def test_facts_that_change_are_no_newer_holder(world: World) -> None:
    """A race lost to a battle is run again under the same number."""
    world.add_player("777", neurBalance=1)
    guard = drawn(world)
    balances = iter((5, 1))

    def work(_: FollowUpSnapshot) -> Outcome[str]:
        seen = {"telegramId": "777", "neurBalance": next(balances)}
        return Outcome("written", (Update("users", seen, {"$inc": {"neurBalance": 1}}),))

    assert world.follow_up_store.transact(work, guard) == "written"
    assert world.one("users")["neurBalance"] == 2


def test_a_stale_sweep_postpones_nothing(world: World) -> None:
    """What it sent is sent again by the newer one, and fought once all the same."""
    world.add_player("777")
    queue = QueueWorld(world)
    broker = world.add_broker()
    queue.accept(broker)
    world.clock.advance(120)
    older, newer = drawn(world), drawn(world)
    before = queue.job()
    with pytest.raises(FencedOut):
        queue.queue.sweep(older)
    assert queue.job() == before
    assert queue.queue.sweep(newer).resent == 1
    assert queue.job()["resent"] == 1
    with pytest.raises(FencedOut):
        world.battle_jobs.postpone({key_of(queue.job()): NOON}, older)
    queue.deliver()
    assert len(world.read("battles")) == 1
