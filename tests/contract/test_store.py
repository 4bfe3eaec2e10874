"""What every store promises: all or nothing, on one moment, and again when a race was lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.arena.ports import Insert, Outcome, Snapshot, Update, Write
from chalicelib.errors import ArenaError, Conflict, Forbidden
from tests.worlds import World


def always(*writes: Write) -> Callable[[Snapshot], Outcome[str]]:
    """Work that decides on nothing."""
    return lambda _: Outcome("done", writes)


def rise(balance: int) -> Update:
    return Update("users", {"telegramId": "777"}, {"$inc": {"neurBalance": balance}})


def test_a_refusal_after_reading_leaves_nothing(world: World) -> None:
    """The error passes through unchanged."""

    def work(snapshot: Snapshot) -> Outcome[str]:
        snapshot.stripes("2026-11-23")
        raise Forbidden("no energy")

    before = world.everything()
    with pytest.raises(Forbidden, match="no energy"):
        world.store.transact(work)
    assert world.everything() == before


def test_a_write_that_matches_nothing_undoes_the_ones_before_it(world: World) -> None:
    """And the store gives up after trying anew."""
    world.add_player()
    before = world.everything()
    attempts = []

    def work(_: Snapshot) -> Outcome[str]:
        attempts.append(1)
        missing = Update("brokers", {"energy": 12345}, {"$set": {"energy": 1}})
        return Outcome("done", (rise(5), missing))

    with pytest.raises(ArenaError) as caught:
        world.store.transact(work)
    assert (caught.value.status, caught.value.code) == (503, "busy")
    assert len(attempts) > 1
    assert world.everything() == before


def test_work_that_lost_a_race_runs_again_on_what_is_there_now(world: World) -> None:
    """A condition that fails the first time and holds the second."""
    world.add_player(neurBalance=5)
    attempts = []

    def work(_: Snapshot) -> Outcome[int]:
        attempts.append(1)
        if len(attempts) == 1:
            stale = Update(
                "users", {"telegramId": "777", "neurBalance": {"$gte": 100}}, {"$inc": {"neurBalance": -100}}
            )
            return Outcome(0, (stale,))
        return Outcome(len(attempts), (rise(1),))

    assert world.store.transact(work) == 2
    assert world.one("users")["neurBalance"] == 6


def test_a_unique_key_that_stays_taken_is_a_conflict(world: World) -> None:
    """Nothing of the losing work remains."""
    world.add_player()
    world.add("battles", requestId="r")
    before = world.everything()
    with pytest.raises(Conflict):
        world.store.transact(always(rise(5), Insert("battles", ({"_id": world.store.new_id(), "requestId": "r"},))))
    assert world.everything() == before


def test_neighbouring_updates_of_one_collection_all_count(world: World) -> None:
    """Also when two change the same document, and one is an upsert."""
    world.add_player()
    create = Update("users", {"telegramId": "888"}, {"$setOnInsert": {"neurBalance": 1}}, upsert=True)
    world.store.transact(always(rise(2), create, rise(3)))
    assert {user["telegramId"]: user["neurBalance"] for user in world.read("users")} == {"777": 5, "888": 1}
    one_misses = Update("users", {"telegramId": "999"}, {"$inc": {"neurBalance": 1}})
    with pytest.raises(ArenaError):
        world.store.transact(always(rise(2), one_misses))
    assert world.one("users", telegramId="777")["neurBalance"] == 5


def test_no_writes_is_a_result_like_any_other(world: World) -> None:
    """A replay."""
    before = world.everything()
    assert world.store.transact(always()) == "done"
    assert world.everything() == before


def test_two_who_decide_on_the_same_state_do_not_both_act_on_it(world: World) -> None:
    """Twenty at once each read the stripes and add one if fewer than five are there."""

    def work(snapshot: Snapshot) -> Outcome[bool]:
        there = len(snapshot.stripes("day"))
        if there == 5:
            return Outcome(False)
        stripe = {"_id": world.store.new_id(), "day": "day", "stripe": there}
        return Outcome(True, (Insert("economydays", (stripe,)),))

    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(lambda _: world.store.transact(work), range(20)))
    assert sum(added) == 5
    assert sorted(stripe["stripe"] for stripe in world.read("economydays")) == [0, 1, 2, 3, 4]
