"""Locks with every kind of Redis there may be: a single node, a cluster, none at all, one that is down."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from chalice.app import EventSourceHandler
from pymongo.database import Database

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.cache.door import RedisDoor
from chalicelib.cache.keys import LOCK
from chalicelib.cache.leaderboard_sets import RedisRankSets
from chalicelib.clock import ManualClock
from chalicelib.data.fences import FencedUpdates, MongoFences
from chalicelib.data.operations import Operations
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.entrypoints import scheduled
from chalicelib.locks import FencedOut, Guard, Held, Locks
from chalicelib.settings import split_urls
from chalicelib.wiring.locks import locks
from localcloud.ports import free_ports
from tests.http_arena import SCHEDULED
from tests.installed import QueueingArena, installed_arena
from tests.redis_doors import UNHURRIED
from tests.worlds import NOON

SHORT = 0.03
"""Seconds; over long before anybody gives up waiting."""


@dataclass
class Place:
    """Locks over one kind of Redis, and what they protect."""

    locks: Locks
    operations: Operations
    door: RedisDoor | None
    """Where the leases are; None where there is none to be had."""

    def take(self, seconds: float = 30.0, wait_seconds: float = 0.0) -> Held:
        held = self.locks.acquire("work", seconds=seconds, wait_seconds=wait_seconds)
        assert held is not None
        return held

    def write(self, held: Held, text: str) -> int:
        change = Change("economyconfigs", {"_id": "protected"}, {"$push": {"texts": text}}, upsert=True)
        return FencedUpdates(self.operations).update(held.guard, [change])

    def ask(self, command: str) -> Any:
        assert self.door is not None
        return self.door.execute(command, LOCK.key("locks", name="work"))


@pytest.fixture(params=["single", "cluster", "none", "down"])
def place(request: pytest.FixtureRequest, database: Database[Document], mongo_uri: str) -> Iterator[Place]:
    kind = str(request.param)
    urls = {"none": "", "down": f"redis://127.0.0.1:{free_ports(1)[0]}/0"}.get(kind)
    if urls is None:
        urls = str(request.getfixturevalue({"single": "valkey_url", "cluster": "valkey_cluster"}[kind]))
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS))
    operations = Operations(pools, database.name, budget_seconds=20)
    # With time: a lock that a busy machine's Redis was too slow for is one on the fence alone.
    door = RedisDoor.from_urls(split_urls(urls), cluster=kind == "cluster", limits=UNHURRIED) if urls else None
    made = locks("locks", operations, door, lambda: NOON)
    serving = door if kind in ("single", "cluster") else None
    yield Place(made, operations, serving)
    if serving is not None:
        for name in ("work", "other work"):
            serving.execute("UNLINK", LOCK.key("locks", name=name))
    if door is not None:
        door.close()
    pools.close()


def test_one_holder_at_a_time_or_at_least_one_writer(place: Place) -> None:
    """Where there are leases the second is turned away; where there are none its number is the higher."""
    first = place.take()
    assert first.exclusive == (place.door is not None)
    second = place.locks.acquire("work")
    if second is None:
        assert place.door is not None
        assert place.write(first, "first") == 1
        first.release()
        second = place.take()
    else:
        assert place.door is None
    assert second.fence > first.fence
    assert place.write(second, "second") == 1
    with pytest.raises(FencedOut):
        place.write(first, "late")
    assert place.locks.acquire("other work") is not None


def test_a_paused_holder_wakes_up_and_writes_nothing(place: Place, database: Database[Document]) -> None:
    """Its term is over, somebody else works; giving the lock back takes nothing from that one."""
    paused = place.take(seconds=SHORT)
    other = place.take(wait_seconds=20)
    place.write(other, "other")
    with pytest.raises(FencedOut):
        place.write(paused, "paused")
    assert not paused.extend()
    paused.release()
    if place.door is not None:
        assert place.locks.acquire("work") is None, "the release of a lost lock freed another's"
    assert other.extend()
    place.write(other, "other again")
    assert database["economyconfigs"].find_one({"_id": "protected"}) == {
        "_id": "protected",
        "texts": ["other", "other again"],
    }


def test_extending_begins_another_term(place: Place) -> None:
    held = place.take(seconds=300)
    if place.door is not None:
        assert 0 < place.ask("PTTL") <= 300_000
        key = LOCK.key("locks", name="work")
        assert place.door.execute("PEXPIRE", key, 60_000)
    assert held.extend()
    if place.door is not None:
        assert 100_000 < place.ask("PTTL") <= 300_000


def test_a_lock_whose_lease_was_lost_is_not_extended(place: Place) -> None:
    """By a flush, an eviction or a failover; its holder may still end what it is writing."""
    held = place.take()
    if place.door is not None:
        place.ask("UNLINK")
        assert not held.extend()
    place.write(held, "still the newest")
    again = place.take()
    assert not held.extend()
    with pytest.raises(FencedOut):
        place.write(held, "no more")
    held.release()
    if place.door is not None:
        assert place.ask("GET"), "the release of a lost lock freed another's"
    again.release()
    if place.door is not None:
        assert place.ask("GET") is None


@pytest.fixture
def redis_arena(
    mongo_uri: str, database: Database[Document], valkey_url: str, clock: ManualClock
) -> Iterator[QueueingArena]:
    with installed_arena(mongo_uri, database, clock, REDIS_URL=valkey_url) as arena:
        yield arena


SCHEDULES = {name: thing for name, thing in vars(scheduled).items() if isinstance(thing, EventSourceHandler)}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_scheduled_run_leaves_its_work_to_the_one_that_runs(name: str, redis_arena: QueueingArena) -> None:
    """And ends well, saying so."""
    run = SCHEDULES[name]
    with redis_arena.locks.hold(f"schedule:{name}") as held:
        assert held is not None
        assert run(SCHEDULED, None)["skipped"] == "held by another run"
    for _ in range(2):
        assert not {"skipped", "stopped"} & run(SCHEDULED, None).keys()


class Overtaken(MongoFences):
    """Somebody newer comes as soon as a number is drawn."""

    def draw(self, lock: str) -> int:
        number = super().draw(lock)
        super().draw(lock)
        return number


def test_a_scheduled_run_that_is_overtaken_stops(redis_arena: QueueingArena, clock: ManualClock) -> None:
    """What it sent is sent again by the newer one, whose write counts."""
    redis_arena.battle_queue.accept(BattleCommand(telegram_id="777", request_id="r", broker_id="0" * 24), "correlation")
    clock.advance(120)
    redis_arena.locks = Locks(None, Overtaken(redis_arena.operations, clock))
    assert scheduled.battle_sweep(SCHEDULED, None)["stopped"] == "a newer run has taken over"
    redis_arena.locks = Locks(None, MongoFences(redis_arena.operations, clock))
    assert scheduled.battle_sweep(SCHEDULED, None)["resent"] == 1


def test_an_earlier_run_does_not_move_the_watermark_of_a_later_one(redis_arena: QueueingArena) -> None:
    """It lies in Redis, with the number it was set under."""
    door, fences = redis_arena.patient_redis, redis_arena.locks
    assert door is not None
    sets = RedisRankSets(door, redis_arena.settings.mongo_database, redis_arena.clock)
    sets.set_reconciled_until(NOON - timedelta(hours=2))
    with fences.hold("a") as earlier:
        assert earlier is not None
        sets.set_reconciled_until(NOON - timedelta(hours=1), earlier.guard)
        later = Guard("a", earlier.fence + 1)
        sets.set_reconciled_until(NOON, later)
        with pytest.raises(FencedOut):
            sets.set_reconciled_until(NOON + timedelta(hours=1), earlier.guard)
    assert sets.reconciled_until() == NOON
    sets.set_reconciled_until(NOON + timedelta(minutes=1), later)
    assert sets.reconciled_until() == NOON + timedelta(minutes=1)


def test_an_earlier_run_archives_nothing(redis_arena: QueueingArena, clock: ManualClock) -> None:
    """Nor notes what it would have archived."""
    sums = {"score": 5, "aiba": 0, "neur": 0, "battles": 1}
    database = redis_arena.pools.client("primary")[redis_arena.settings.mongo_database]
    database["users"].insert_one({"telegramId": "777", "seasons": {"2026-11": {"all": sums}}})
    clock.advance(10 * 86_400)
    earlier, later = (Guard("s", MongoFences(redis_arena.operations, clock).draw("s")) for _ in range(2))
    with pytest.raises(FencedOut):
        redis_arena.season_archive.run(lambda: True, earlier)
    assert database["seasonstandings"].count_documents({}) == 0
    assert redis_arena.season_archive.run(lambda: True, later).archived == ("2026-11",)
