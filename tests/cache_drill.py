"""What an outage of the cache looks like to players, and whether anything was wrong: the drill and its figures."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from pymongo.database import Database

from chalicelib.arena.brokers import new_broker
from chalicelib.arena.leaderboard_ports import Ranking
from chalicelib.arena.leaderboard_service import BoardQuery, LeaderboardService
from chalicelib.arena.players import new_player
from chalicelib.arena.standings import ALL
from chalicelib.cache.door import PATIENT, QUICK
from chalicelib.cache.keys import LOCK as LOCK_KEY
from chalicelib.cache.keys import RATE_BUCKET
from chalicelib.cache.slots import slot_of
from chalicelib.data.catalogue import MongoCatalogue
from chalicelib.data.leaderboards import MongoStandings
from chalicelib.scaling.tiers import TIERS
from tests.fleet import LOCK, LOG_COLLECTION, Fleet, Order, fleet
from tests.servers import DrillCluster
from tests.watched import CROWD_PER_MINUTE, TIER, Record, Seen, WatchedArena
from tests.worlds import mongo_world

ENVIRONMENTS = 3
PLAYERS = 400
"""So many that one player's limits bind nobody, even where an environment counts alone with the least share."""
FIRST_PLAYER = 100_000
SLACK_SECONDS = 0.15
"""What a call may take beyond its budget and the longest pause of its environment."""
BATTLES_MIN = 10
SERVE_SECONDS_MAX = 60.0
"""A machine that is busy with other things takes its time."""
METRICS = ("score", "aiba", "battles")


@dataclass(frozen=True)
class CacheDrill:
    """A fleet at work on a cluster of its own, and one more environment to look with.

    ``victim`` is the master that has the lock and the crowd's bucket.
    """

    seed: int
    cluster: DrillCluster
    fleet: Fleet
    watcher: WatchedArena
    database: Database[dict[str, Any]]
    victim: str

    def serve(self, seconds: float) -> tuple[float, float]:
        """Lets the fleet work, long enough for battles to be compared by; the window's ends."""
        began, enough = time.monotonic(), self.database["battles"].count_documents({}) + BATTLES_MIN
        time.sleep(seconds)
        while self.database["battles"].count_documents({}) < enough:
            assert time.monotonic() < began + SERVE_SECONDS_MAX, "hardly a battle is fought"
            time.sleep(0.1)
        return began, time.monotonic()

    def keep_boards(self) -> None:
        """What runs every minute: mends the sorted sets, and loads those that are missing."""
        end = time.monotonic() + 60
        self.watcher.leaderboard_upkeep.run(lambda: time.monotonic() < end)

    def boards_are_right(self) -> bool:
        """Whether ranks and lists, with whatever Redis says, are those of MongoDB. The fleet must pause."""
        arena = self.watcher
        standings, catalogue = MongoStandings(arena.operations), MongoCatalogue(arena.operations)
        shown = LeaderboardService(standings, catalogue, arena.clock, ranks=arena.boards)
        true = LeaderboardService(standings, catalogue, arena.clock)
        people = [str(FIRST_PLAYER + number) for number in range(0, PLAYERS, 150)]
        return all(
            shown.leaderboard(query, 50) == true.leaderboard(query, 50)
            and all(shown.my_rank(who, query) == true.my_rank(who, query) for who in people)
            and all(shown.around_me(who, query, 5) == true.around_me(who, query, 5) for who in people)
            for query in (BoardQuery(by=metric) for metric in METRICS)
        )

    def boards_from_redis(self) -> int:
        """How many of the rankings Redis answers itself."""
        boards = self.watcher.boards
        assert boards is not None
        return sum(boards.top(Ranking(board=ALL, metric=metric), 50) is not None for metric in METRICS)

    def wait_recovered(self, seconds: float = 60.0) -> float:
        """Until every ranking is mended and answered by Redis, and requests are counted there; how long it took."""
        began = time.monotonic()
        limits = self.watcher.rate_limits
        assert limits is not None
        while True:
            self.keep_boards()
            degraded = limits.admit("api", "address", "10.255.0.1").degraded
            if self.boards_from_redis() == len(METRICS) and not degraded:
                return time.monotonic() - began
            assert time.monotonic() < began + seconds, "Redis is back, and the arena does not use it"
            time.sleep(0.1)

    def fences(self) -> list[int]:
        """The protected log: one number for each write that was let through, in the order of the writes."""
        found = self.database[LOG_COLLECTION].find_one({"_id": "log"})
        return [] if found is None else list(found["fences"])


@contextmanager
def cache_drill(
    cluster: DrillCluster, mongo_uri: str, database: Database[dict[str, Any]], seed: int
) -> Iterator[CacheDrill]:
    """Fills ``database`` with players and boards, and sets a fleet to work on it."""
    players = _fill(database, mongo_uri, seed)
    database[LOG_COLLECTION].insert_one({"_id": "log", "fences": []})
    lock_slot = slot_of(LOCK_KEY.key(database.name, name=LOCK))
    shape = cluster.cluster.shape
    index = next(index for index in range(shape.masters) if _has(shape.slots(index), lock_slot))
    crowd = next(
        address
        for address in (f"198.51.100.{number}" for number in range(256))
        if _has(shape.slots(index), slot_of(RATE_BUCKET.key(database.name, client=address, limit="global")))
    )
    orders = [
        Order(
            number=number,
            seed=seed,
            mongo_uri=mongo_uri,
            database=database.name,
            redis_url=cluster.urls,
            crowd=crowd,
            players=players,
        )
        for number in range(ENVIRONMENTS)
    ]
    watcher = WatchedArena(mongo_uri, database.name, cluster.urls)
    with fleet(orders) as working:
        drill = CacheDrill(seed, cluster, working, watcher, database, cluster.cluster.names()[index])
        drill.keep_boards()
        try:
            yield drill
        finally:
            watcher.close()


def _has(slots: tuple[int, int], slot: int) -> bool:
    return slots[0] <= slot <= slots[1]


def _fill(database: Database[dict[str, Any]], mongo_uri: str, seed: int) -> list[tuple[str, str]]:
    """Players with standings; telegram and broker ids."""
    world, pools = mongo_world(database, mongo_uri)
    free = {"cooldownSeconds": 0, "energyCost": 0, "enabled": True, "league": "rookie"}
    world.add("gamemodes", key="drill", arena="drill", **free)
    draw = random.Random(f"{seed} players")
    now = datetime.now(UTC)
    users, brokers = [], []
    for number in range(FIRST_PLAYER, FIRST_PLAYER + PLAYERS):
        sums = {"score": draw.randrange(5000), "aiba": draw.randrange(500), "neur": 0, "battles": draw.randrange(9)}
        who = str(number)
        player = {"telegramId": who, "username": f"u{who}", "totals": {ALL: sums}, "standingsAt": now}
        users.append({**new_player(now), **player})
        brokers.append(new_broker(who, now))
    database["users"].insert_many(users)
    database["brokers"].insert_many(brokers)
    pools.close()
    return [(broker["ownerTelegramId"], str(broker["_id"])) for broker in brokers]


def within(seen: Sequence[Seen], window: tuple[float, float], *kinds: str) -> list[Seen]:
    return [one for one in seen if window[0] <= one.at < window[1] and one.kind in kinds]


def rate(record: Record, window: tuple[float, float]) -> float:
    """Battles per second."""
    return len(within(record.requests, window, "battle")) / (window[1] - window[0])


def waiting_share(record: Record, window: tuple[float, float]) -> float:
    """The part of requests' time in ``window`` that went into calls of the cache that came to nothing.

    On a busy machine all of it takes longer; the machine before and after is no measure.
    """
    spent = sum(one.seconds for one in within(record.requests, window, "battle", "read", "crowd"))
    lost = [one for one in record.calls if window[0] <= one.at < window[1] and one.outcome != "ok" and not one.patient]
    return sum(one.seconds for one in lost) / spent


def battle_times(record: Record, window: tuple[float, float]) -> tuple[float, float]:
    """Seconds a battle took: p50 and p99; 0 where there was none."""
    taken = sorted(one.seconds for one in within(record.requests, window, "battle")) or [0.0]
    return taken[len(taken) // 2], taken[len(taken) * 99 // 100]


def errors(record: Record) -> Counter[tuple[str, int]]:
    """Answers no player may get, by kind of request; being told to slow down is none."""
    return Counter((one.kind, one.status) for one in record.requests if one.status not in (200, 201, 429))


def beyond_budget(record: Record) -> list[str]:
    """Calls of one environment's cache that took longer than they may."""
    # It may be held up while it waits, and again before it has said so.
    slack = SLACK_SECONDS + 2 * record.longest_pause
    return [
        f"{call.name} {call.outcome} took {call.seconds:.3f} s, with pauses of up to {record.longest_pause:.3f} s"
        for call in record.calls
        if call.seconds > (PATIENT if call.patient else QUICK).budget_seconds + slack
    ]


def crowd_admitted(record: Record, window: tuple[float, float]) -> tuple[int, int]:
    """Of the crowd's requests in ``window`` that environments counted alone: how many were sent, and admitted."""
    alone = [one for one in within(record.requests, window, "crowd") if one.degraded]
    return len(alone), sum(one.status == 200 for one in alone)


def crowd_bound(seconds: float) -> float:
    """The most the limiter promises to admit without Redis; see ``chalicelib.cache.limiter``."""
    factor = 1 + ENVIRONMENTS / TIERS[TIER].max_instances
    return factor * (CROWD_PER_MINUTE + CROWD_PER_MINUTE / 60 * seconds) + ENVIRONMENTS


def overlaps(record: Record) -> int:
    """Pairs of holders who worked at the same time."""
    terms = sorted(record.terms, key=lambda term: term.began)
    return sum(later.began < term.ended for place, term in enumerate(terms) for later in terms[place + 1 : place + 10])


def violations(drill: CacheDrill) -> list[str]:
    """What must not be: errors, calls beyond their budget, a write under an earlier holder's number."""
    record = drill.fleet.record
    found = [f"{kind} answered {status}: {count} times" for (kind, status), count in errors(record).items()]
    found += [call for one in drill.fleet.records for call in beyond_budget(one)]
    fences = drill.fences()
    found += [f"{later} was written after {earlier}" for earlier, later in pairwise(fences) if later <= earlier]
    written = {term.fence for term in record.terms if term.outcome == "written"}
    unsure = {term.fence for term in record.terms if term.outcome == "database busy"}
    # Whoever was given up on may have written all the same: only the answer came too late.
    if not written <= set(fences) <= written | unsure:
        found.append("the log is not what the holders wrote")
    return found


def report(drill: CacheDrill) -> list[str]:
    """The drill's figures, in lines. Only after the fleet has finished."""
    record = drill.fleet.record
    statuses = Counter((one.kind, one.status) for one in record.requests)
    outcomes = Counter(call.outcome for call in record.calls)
    quick = max((call.seconds for call in record.calls if not call.patient), default=0.0)
    patient = max((call.seconds for call in record.calls if call.patient), default=0.0)
    terms = Counter(term.outcome for term in record.terms)
    slowest = max((one.seconds for one in record.requests), default=0.0)
    return [
        f"seed {drill.seed}, {ENVIRONMENTS} environments, {PLAYERS} players",
        "requests: " + ", ".join(f"{kind} {status}: {count}" for (kind, status), count in sorted(statuses.items())),
        f"slowest request {slowest * 1000:.0f} ms",
        "calls of the cache: " + ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items())),
        "lookups: " + ", ".join(f"{name} {count}" for name, count in sorted(record.lookups.items())),
        f"longest call: quick {quick * 1000:.0f} ms of {QUICK.budget_seconds * 1000:.0f}, "
        f"patient {patient * 1000:.0f} ms of {PATIENT.budget_seconds * 1000:.0f}; "
        f"longest pause of an environment {record.longest_pause * 1000:.0f} ms",
        f"lock: {len(record.terms)} terms, {terms['written']} written, {terms['fenced out']} fenced out, "
        f"{terms['database busy']} given up, {sum(not term.exclusive for term in record.terms)} on the fence alone, "
        f"{overlaps(record)} overlaps",
    ]
