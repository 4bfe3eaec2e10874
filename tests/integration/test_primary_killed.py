"""The primary of three is killed while eight clients fight: what was acknowledged is there, exactly once, and whole."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.wiring.services import DATABASE_BUDGET_SECONDS
from localcloud.mongod import ELECTION_TIMEOUT_MILLISECONDS
from tests.consistency import assert_consistent
from tests.primary_drill import (
    COOLDOWN_SECONDS,
    MODE,
    Crew,
    Members,
    Order,
    Seen,
    at_work,
    three_members,
    wait_until,
)
from tests.worlds import COLLECTIONS, World, mongo_world

CLIENTS = 8
ENERGY = 1000
BATTLES_BETWEEN = 60
LONG_MILLISECONDS = int(DATABASE_BUDGET_SECONDS * 1000) + 3000
"""Longer than a request waits for a primary, or for members that are dead, and for another to be begun. MongoDB's own
default is 10 s."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Seconds of the machine's monotonic clock. ``over`` when battles were fought again."""

    election_ms: int
    killed: float
    over: float


def test_killed_primaries_cost_nothing_that_was_acknowledged() -> None:
    """A short election is waited for within the request, a long one is refused with a time to come back.

    The second primary dies with battles that no other member has: whoever acknowledged those would have lied.
    """
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with three_members() as members, MongoClient[Document](members.uri, tz_aware=True) as client:
        database = client["drill"]
        world, pools = mongo_world(database, members.uri)
        with at_work(_orders(world, seed, members.uri, database.name)) as crew:
            short = _outage(members, database, ELECTION_TIMEOUT_MILLISECONDS, members.kill_primary)
            members.restore()
            long = _outage(members, database, LONG_MILLISECONDS, partial(members.kill_all, database.name))
            crew.finish()
        pools.close()
        print(f"primary killed, {_figures(crew, short)}\nall three killed, two back, {_figures(crew, long)}")
        _assert_nothing_lost(world, crew)
        assert_consistent(world)
        _assert_rested_and_paid(world)
        members.restore()
        one, *others = members.contents(database.name, COLLECTIONS).values()
    assert all(other == one for other in others)
    _assert_refused_by_type(crew)
    assert all(_reads_within(crew, outage) for outage in (short, long))
    assert {seen.status for seen in crew.seen[CLIENTS] if seen.ended < long.killed} == {200}
    assert any(seen.error == "database_unavailable" for seen in _refused_within(crew, long))


def _outage(members: Members, database: Database[Document], election_ms: int, kill: Callable[[], float]) -> Outage:
    """Kills in the middle of battles, and waits until others have been fought since."""
    members.elect_after(election_ms)
    _wait_more_battles(database)
    killed = kill()
    members.wait_primary()
    _wait_more_battles(database)
    return Outage(election_ms, killed, time.monotonic())


def _orders(world: World, seed: int, uri: str, database: str) -> list[Order]:
    """Eight who fight, each with a broker of its own, and one who reads."""
    world.configure(battleMaxEnergy=ENERGY, battleEnergyRegenSecondsPerEnergy=86_400)
    world.add(
        "gamemodes",
        **{"key": MODE, "arena": MODE, "league": "rookie", "enabled": True},
        **{"cooldownSeconds": COOLDOWN_SECONDS, "energyCost": 1},
    )
    orders = []
    for number in range(CLIENTS):
        who = 1000 + number
        world.add_player(str(who))
        broker = str(world.add_broker(str(who), energy=ENERGY)["_id"])
        orders.append(Order(seed=f"{seed} {number}", uri=uri, database=database, telegram_id=who, broker=broker))
    return [*orders, Order(seed=f"{seed} reader", uri=uri, database=database, telegram_id=999, broker=None)]


def _wait_more_battles(database: Database[Document]) -> None:
    wanted = database["battles"].count_documents({}) + BATTLES_BETWEEN
    wait_until(lambda: database["battles"].count_documents({}) >= wanted, "no battles are fought")


def _assert_nothing_lost(world: World, crew: Crew) -> None:
    """Every acknowledged battle exists once, under the id that was answered; nothing exists that nobody asked for."""
    stored = Counter(battle["requestId"] for battle in world.read("battles"))
    ids = {battle["requestId"]: str(battle["_id"]) for battle in world.read("battles")}
    acknowledged = {seen.request_id: seen.battle for seen in _fought(crew) if seen.status == 200}
    assert len(acknowledged) >= BATTLES_BETWEEN
    assert acknowledged.items() <= ids.items()
    assert set(stored.values()) == {1}
    assert stored.keys() <= {seen.request_id for seen in _fought(crew)}


def _assert_rested_and_paid(world: World) -> None:
    """Each broker paid energy for each of its battles, rested between them, and rests since the last."""
    moments: defaultdict[object, list[datetime]] = defaultdict(list)
    for battle in world.read("battles"):
        moments[battle["brokerId"]].append(battle["createdAt"])
    for broker in world.read("brokers"):
        fought = sorted(moments[broker["_id"]])
        assert broker["energy"] == ENERGY - len(fought)
        assert all(later - earlier >= timedelta(seconds=COOLDOWN_SECONDS) for earlier, later in pairwise(fought))
        assert broker["cooldowns"] == ({MODE: fought[-1]} if fought else {})


def _assert_refused_by_type(crew: Crew) -> None:
    """Whatever was not fought was refused by the game, or by 503 with a time to come back."""
    refused = [seen for seen in _fought(crew) if seen.status != 200]
    assert {(seen.status, seen.error) for seen in refused} <= {
        *((429, "cooldown"), (403, "no energy")),
        *((503, "database_unavailable"), (503, "busy")),
    }
    assert all(int(seen.retry_after or 0) >= 1 for seen in refused if seen.status == 503)


def _fought(crew: Crew) -> list[Seen]:
    return [seen for each in crew.seen[:CLIENTS] for seen in each]


def _silence(crew: Crew, outage: Outage) -> tuple[float, float]:
    """From when to when no battle was acknowledged to anybody: the longest such time around the kill."""
    heard = sorted(seen.ended for seen in _fought(crew) if seen.status == 200)
    around = [(last, next_one) for last, next_one in pairwise(heard) if last < outage.over and next_one > outage.killed]
    return max(around, key=lambda pair: pair[1] - pair[0])


def _refused_within(crew: Crew, outage: Outage) -> list[Seen]:
    return [seen for seen in _fought(crew) if seen.status == 503 and outage.killed < seen.ended < outage.over]


def _reads_within(crew: Crew, outage: Outage) -> list[Seen]:
    """Reads that were answered, and began and ended while no battle was acknowledged."""
    began, ended = _silence(crew, outage)
    reads = [seen for seen in crew.seen[CLIENTS] if seen.status == 200]
    return [seen for seen in reads if began < seen.began and seen.ended < ended]


def _figures(crew: Crew, outage: Outage) -> str:
    reads = _reads_within(crew, outage)
    began, ended = _silence(crew, outage)
    return (
        f"election after {outage.election_ms / 1000} s: no battle acknowledged for {ended - began:.2f} s, "
        f"{len(_refused_within(crew, outage))} battles refused with 503; {len(reads)} reads served meanwhile, "
        f"the slowest in {max((seen.ended - seen.began for seen in reads), default=0):.2f} s"
    )
