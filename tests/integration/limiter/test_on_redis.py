"""The limiter's scripts on a real server: the arithmetic, all or nothing, exact counts, keys that vanish, leases."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.arena.rate_limits import API, BATTLE, PLAYER_BATTLES, Limit, limits_by_class
from chalicelib.cache.counters import NoObserver, Outcome
from chalicelib.cache.door import RedisDoor, load_script
from chalicelib.cache.errors import CacheUnavailable
from chalicelib.cache.gcra import WHOLE, Bucket, ask, flow_of, spend
from chalicelib.cache.keys import RATE_BUCKET, RATE_LEASES, RATE_SHARES, KeyPattern
from chalicelib.cache.limiter import Limiter
from chalicelib.clock import Clock, ManualClock, system_clock
from localcloud.ports import free_ports
from localcloud.valkey import Valkey
from tests.localstack.running import eventually
from tests.redis_doors import door_to
from tests.servers import supervised
from tests.worlds import NOON

SLOW = Limit(name="slow", rate=1, period_seconds=900, burst=9, scope="address")
"""Nothing runs out while a test lasts."""


@pytest.fixture(params=["valkey_url", "valkey_cluster"])
def door(request: pytest.FixtureRequest) -> Iterator[RedisDoor]:
    door = door_to(request.getfixturevalue(request.param))
    yield door
    door.close()


@pytest.fixture
def database() -> str:
    return f"limits_{uuid.uuid4().hex[:8]}"


class Seen(NoObserver):
    """Counts calls by the name of what was sent."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def command(self, name: str, seconds: float, outcome: Outcome) -> None:
        self.calls[name] += 1


def fail(error: CacheUnavailable) -> None:
    raise AssertionError(f"counted without Redis: {error.reason}")


def limiter_on(door: RedisDoor, database: str, clock: Clock = system_clock, name: str = "environment-1") -> Limiter:
    return Limiter(door, database, clock, environment_id=name, environments_max=20, fell_back=fail)


def test_the_script_s_arithmetic_is_the_module_s(door: RedisDoor, database: str) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    limits = [API, BATTLE, PLAYER_BATTLES]
    keys = [RATE_BUCKET.key(database, client="c", limit=limit.name) for limit in limits]
    figures = [figure for limit in limits for figure in (limit.rate, limit.period_seconds * 1000, limit.burst)]
    buckets: list[Bucket | None] = [None] * len(limits)
    refused = 0
    for _ in range(150):
        now_ms, *pairs = door.script(load_script("gcra"), keys, figures)
        expected = [ask(bucket, flow_of(limit), now_ms) for bucket, limit in zip(buckets, limits, strict=True)]
        assert pairs == [value for one in expected for value in (int(one.fits), one.excess)]
        if all(one.fits for one in expected):
            buckets = [spend(one) for one in expected]
        else:
            refused += 1
        time.sleep(draw.choice((0, 0, 0, 0.001, 0.02)))
    assert 0 < refused < 150


def test_refused_by_one_limit_nothing_is_spent_of_the_others(door: RedisDoor, database: str) -> None:
    limiter = limiter_on(door, database)
    tight = Limit(name="tight", rate=1, period_seconds=900, burst=1, scope="address")
    found = [limiter.admit([SLOW, tight], "c") for _ in range(5)]
    assert [verdict.refusal is None for verdict in found] == [True, True, False, False, False]
    assert [verdict.decisions[0].remaining for verdict in found] == [9, 8, 8, 8, 8]
    assert limiter.admit([SLOW], "c").decisions[0].remaining == 7


def test_a_hundred_requests_at_once_find_exactly_the_quota(door: RedisDoor, database: str) -> None:
    limiters = [limiter_on(door, database, name=f"environment-{number}") for number in range(4)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda number: limiters[number % 4].admit([SLOW], "c"), range(100)))
    assert sum(verdict.refusal is None for verdict in found) == SLOW.quota
    assert sorted(verdict.decisions[0].remaining for verdict in found if verdict.refusal is None) == list(range(10))


def test_keys_vanish_when_they_have_run_dry(door: RedisDoor, database: str) -> None:
    limiter, before = limiter_on(door, database), time.time()
    for _ in range(3):
        decision = limiter.admit([SLOW], "c").decisions[0]
    key = RATE_BUCKET.key(database, client="c", limit=SLOW.name)
    expires = int(door.execute("PEXPIRETIME", key)) / 1000
    assert decision.reset_at == expires
    dry = 3 * SLOW.period_seconds / SLOW.rate
    assert dry - 1 < expires - before < dry + 1 + (time.time() - before)


def test_a_request_costs_one_round_trip_however_many_limits_it_has(valkey_url: str, database: str) -> None:
    seen = Seen()
    door = door_to(valkey_url, observer=seen)
    limiter = limiter_on(door, database, ManualClock(NOON))
    limits = limits_by_class("production", 600)["battle"]
    assert [limit.scope for limit in limits] == ["address", "address", "player"]
    for _ in range(10):
        limiter.admit(limits[:2], "c")
    door.close()
    # The first one asked for the lease as well, in the same round trip.
    assert seen.calls == {"script:gcra": 9, "pipeline": 1}


def leased(door: RedisDoor, database: str, environment: str, length_ms: int) -> tuple[int, int]:
    keys = [RATE_LEASES.key(database), RATE_SHARES.key(database)]
    share, count = door.script(load_script("lease"), keys, (environment, length_ms))
    return int(share), int(count)


def test_leases_sum_up_to_the_whole_and_settle_at_equal_shares(door: RedisDoor, database: str) -> None:
    assert leased(door, database, "a", 60_000) == (WHOLE, 1)
    # Nothing is free before the others have come back.
    assert leased(door, database, "b", 60_000) == (0, 2)
    assert leased(door, database, "a", 60_000) == (WHOLE // 2, 2)
    assert leased(door, database, "b", 60_000) == (WHOLE // 2, 2)
    assert leased(door, database, "c", 60_000) == (0, 3)
    assert [leased(door, database, name, 60_000)[0] for name in "abc"] == [WHOLE // 3] * 3


def test_leases_never_sum_up_to_more_than_the_whole(door: RedisDoor, database: str) -> None:
    """Environments come, renew, go silent and come back in any order; terms end while others run."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    held: dict[str, tuple[int, float]] = {}
    ended = 0
    for _ in range(250):
        name = f"environment-{draw.randrange(12)}"
        length_ms = draw.choice((5, 30, 60_000))
        asked_at = time.monotonic()
        # The server counts whole milliseconds; the limiter leaves a margin far wider.
        held[name] = (leased(door, database, name, length_ms)[0], asked_at + (length_ms - 2) / 1000)
        now = time.monotonic()
        running = [share for share, until in held.values() if now < until]
        ended += len(held) - len(running)
        assert sum(running) <= WHOLE
        shares = door.execute("HVALS", RATE_SHARES.key(database))
        assert sum(map(int, shares)) <= WHOLE
    assert ended > 20


@pytest.mark.parametrize("lost", [RATE_LEASES, RATE_SHARES])
def test_leases_outlive_the_loss_of_one_of_their_keys(door: RedisDoor, database: str, lost: KeyPattern) -> None:
    """Evicted by Redis, say: nobody is leased what may run elsewhere, and all is well when the others have renewed."""
    for name in "abab":
        leased(door, database, name, 60_000)
    door.execute("DEL", lost.key(database))
    assert leased(door, database, "c", 60_000)[0] == 0
    for name in "abcabc":
        leased(door, database, name, 60_000)
    assert [leased(door, database, name, 60_000)[0] for name in "abc"] == [WHOLE // 3] * 3


def test_an_environment_that_never_came_back_is_forgotten_after_a_loss(door: RedisDoor, database: str) -> None:
    leased(door, database, "gone", 60_000)
    door.execute("DEL", RATE_LEASES.key(database))
    assert leased(door, database, "new", 1) == (0, 2)
    eventually(lambda: leased(door, database, "new", 1), lambda found: found == (WHOLE, 1))


def test_without_redis_environments_spend_what_they_leased(database: str) -> None:
    """Four environments, their Redis killed: together they admit the limit, not four times it."""
    clock, minute, quota = ManualClock(NOON), 60, API.quota + 60 * API.rate
    with supervised() as (supervisor, state):
        valkey = Valkey(free_ports(1)[0])
        supervisor.start([valkey.server(state)])
        doors = [door_to(valkey.uri) for _ in range(4)]
        reasons: list[str] = []
        fleet = [
            Limiter(
                door,
                database,
                clock,
                environment_id=f"environment-{number}",
                environments_max=20,
                fell_back=lambda error: reasons.append(error.reason),
            )
            for number, door in enumerate(doors)
        ]
        for _ in range(2):
            clock.advance(5)
            assert [limiter.admit([API], "c").degraded for limiter in fleet] == [False] * 4
    assert [limiter.share for limiter in fleet] == [WHOLE // 4] * 4

    def admitted_in_a_minute() -> int:
        seen = 0
        for _ in range(minute * 20):
            clock.advance(0.05)
            for limiter in fleet:
                for _ in range(2):
                    verdict = limiter.admit([API], "c")
                    assert verdict.degraded
                    seen += verdict.refusal is None
        return seen

    leases = admitted_in_a_minute()
    clock.advance(120)
    least = admitted_in_a_minute()
    for door in doors:
        door.close()
    print(f"limit {quota} a minute: {leases} admitted under leases, {least} after them, {4 * quota} if each had it all")
    assert quota * 0.95 <= leases <= quota + 4
    assert least <= quota * 4 / 20 + 4
    # Once a minute, not once a request.
    assert len(reasons) <= 4 * 5
