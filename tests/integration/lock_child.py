"""A process that takes a lock again and again, and writes under it. Run by test_lock_contention."""

import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized

from chalicelib.arena.ports import Update as Change
from chalicelib.cache.breaker import BreakerRules
from chalicelib.cache.door import PATIENT, RedisDoor
from chalicelib.cache.lock import RedisLeases
from chalicelib.data.fences import FencedUpdates, MongoFences
from chalicelib.data.operations import FindOne, Operations
from chalicelib.data.pools import Pools
from chalicelib.locks import FencedOut, Held, Locks
from tests.worlds import NOON

LOCK = "contended"
TERM_SECONDS = 0.015
JUMP_SECONDS_MAX = 3600.0
PROTECTED = "economyconfigs"
"""Some collection that is there already."""


@dataclass(frozen=True)
class Contender:
    """Where a process works, and what chance it has."""

    mongo_uri: str
    database: str
    redis_url: str
    seed: str


class WrongClock:
    """Two clocks that jump, both ways, by up to an hour."""

    def __init__(self, choice: random.Random) -> None:
        self._choice = choice
        self._off = 0.0

    def jump(self) -> None:
        self._off = self._choice.uniform(-JUMP_SECONDS_MAX, JUMP_SECONDS_MAX)

    def monotonic(self) -> float:
        return time.monotonic() + self._off

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self._off)


def contend(contender: Contender, taken: "Synchronized[int]", goal: "Synchronized[int]", report: Connection) -> None:
    """Takes the lock until all together have ``goal`` times; reports what came of it."""
    choice = random.Random(contender.seed)
    clock = WrongClock(choice)
    pools = Pools(contender.mongo_uri)
    operations = Operations(pools, contender.database, budget_seconds=20)
    soon = BreakerRules(open_seconds=0.1, open_seconds_max=0.2)
    door = RedisDoor.from_urls([contender.redis_url], cluster=False, limits=PATIENT, breaker_rules=soon)
    leases = RedisLeases(door, contender.database)
    locks = Locks(leases, MongoFences(operations, clock.wall), monotonic=clock.monotonic, choice=choice)
    seen: Counter[str] = Counter()
    while taken.value < goal.value:
        held = locks.acquire(LOCK, seconds=TERM_SECONDS, wait_seconds=5.0)
        if held is None:
            seen["in vain"] += 1
            continue
        with taken.get_lock():
            taken.value += 1
        if not held.exclusive:
            seen["on the fence alone"] += 1
        else:
            seen["exclusive again" if seen["on the fence alone"] else "exclusive"] += 1
        seen[_work(held, operations, choice, clock)] += 1
        if choice.random() < 0.97:
            held.release()
        else:
            seen["never released"] += 1
    door.close()
    pools.close()
    report.send(seen)


def _work(held: Held, operations: Operations, choice: random.Random, clock: WrongClock) -> str:
    """Reads, dawdles, writes what it read and one more."""
    found = operations.execute(FindOne(PROTECTED, {"_id": LOCK}))
    assert found is not None
    if choice.random() < 0.2:
        clock.jump()
    # Mostly within the term; now and then far beyond it.
    time.sleep(choice.uniform(1.5, 3) * TERM_SECONDS if choice.random() < 0.1 else choice.uniform(0, 0.002))
    if choice.random() < 0.1 and not held.extend():
        return "lost, as told when extending"
    change = {"$set": {"value": found["value"] + 1}, "$push": {"accepted": held.fence}}
    try:
        FencedUpdates(operations).update(held.guard, [Change(PROTECTED, {"_id": LOCK}, change)])
    except FencedOut:
        return "refused"
    return "accepted"
