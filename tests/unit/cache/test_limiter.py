"""Counting without Redis: shares, their bound, and how much memory it takes."""

import random
from datetime import timedelta

import pytest

from chalicelib.arena.rate_limits import (
    API,
    BATTLE,
    LIMITS_BY_TIER,
    RATE_CLASSES,
    Limit,
    RateLimits,
    UnknownRateClass,
    Verdict,
    limits_by_class,
    require_rate_class,
)
from chalicelib.cache.door import RedisDoor
from chalicelib.cache.errors import CacheUnavailable
from chalicelib.cache.gcra import WHOLE
from chalicelib.cache.limiter import Lease, Limiter
from chalicelib.cache.local_buckets import LocalBuckets
from chalicelib.clock import ManualClock
from chalicelib.scaling.tiers import TIERS
from chalicelib.settings import TIERS as TIER_NAMES
from tests.worlds import NOON

NOBODY_LISTENS = "redis://127.0.0.1:1"
LEAST_PRODUCTION = WHOLE // TIERS["production"].max_instances


def ignore(error: CacheUnavailable) -> None:
    pass


def limiter(clock: ManualClock, *, environments_max: int, redis: str | None = None) -> Limiter:
    door = None if redis is None else RedisDoor.from_urls([redis], cluster=False)
    return Limiter(door, "d", clock, environment_id="e", environments_max=environments_max, fell_back=ignore)


def test_the_only_environment_there_may_be_counts_exactly_and_says_nothing() -> None:
    alone = limiter(ManualClock(NOON), environments_max=1)
    found = [alone.admit([BATTLE], "c") for _ in range(12)]
    assert [verdict.refusal is None for verdict in found] == [True] * 11 + [False]
    assert not any(verdict.degraded for verdict in found)


@pytest.mark.parametrize("redis", [None, NOBODY_LISTENS])
def test_one_of_many_that_never_had_contact_takes_the_least_share_and_says_so(redis: str | None) -> None:
    one = limiter(ManualClock(NOON), environments_max=20, redis=redis)
    assert one.share == LEAST_PRODUCTION
    found = [one.admit([API], "c") for _ in range(5)]
    # A twentieth of 51 requests at once.
    assert [verdict.refusal is None for verdict in found] == [True, True, False, False, False]
    assert all(verdict.degraded for verdict in found)
    assert {verdict.decisions[0].limit.quota for verdict in found} == {51}


def test_what_went_wrong_is_reported_once_a_minute() -> None:
    clock = ManualClock(NOON)
    reasons: list[CacheUnavailable] = []
    door = RedisDoor.from_urls([NOBODY_LISTENS], cluster=False)
    one = Limiter(door, "d", clock, environment_id="e", environments_max=2, fell_back=reasons.append)
    for _ in range(120):
        clock.advance(1)
        one.admit([API], "c")
    assert len(reasons) == 2


def test_a_lease_is_spent_while_it_runs_and_never_less_than_the_least_share() -> None:
    lease = Lease(share=250_000, until_ms=1_000)
    assert lease.share_at(999, LEAST_PRODUCTION) == 250_000
    assert lease.share_at(1_000, LEAST_PRODUCTION) == LEAST_PRODUCTION
    assert Lease(0, 1_000).share_at(0, LEAST_PRODUCTION) == LEAST_PRODUCTION


@pytest.mark.parametrize("limit", [API, BATTLE], ids=lambda limit: limit.name)
@pytest.mark.parametrize("tier", ["staging", "production", "enterprise"])
def test_a_fleet_without_redis_stays_within_the_stated_factor(tier: str, limit: Limit) -> None:
    """Simulated: any leases that sum up to the whole, any load upon any environment, for minutes."""
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    most = TIERS[tier].max_instances
    worst = 0.0
    for _ in range(6):
        count = draw.randint(1, most)
        weights = [draw.random() ** 3 for _ in range(count)]
        leases = [int(WHOLE * weight / sum(weights)) * draw.randint(0, 1) for weight in weights]
        shares = [max(lease, WHOLE // most) for lease in leases]
        factor = 1 + count / most
        admitted = now_ms = 0
        fleet = [LocalBuckets() for _ in range(count)]
        for _ in range(200):
            now_ms += draw.choice((0, 1, 40, 1_000, 1_000))
            for _ in range(draw.randint(1, 60)):
                place = draw.randrange(count)
                verdict = fleet[place].admit([limit], "c", share=shares[place], now_ms=now_ms, degraded=True)
                admitted += verdict.refusal is None
            bound = factor * (limit.quota + limit.rate * now_ms / 1000) + count
            assert admitted <= bound, f"seed {seed}"
        worst = max(worst, admitted / (limit.quota + limit.rate * now_ms / 1000))
    print(f"{tier}, {limit.name}: at most {worst:.2f} times the limit; seed {seed}")


def test_the_oldest_client_is_forgotten_when_the_table_is_full() -> None:
    table = LocalBuckets(buckets_max=100)
    slow = Limit(name="slow", rate=1, period_seconds=900, burst=0, scope="address")

    def admitted(client: str) -> bool:
        return table.admit([slow], client, share=WHOLE, now_ms=0, degraded=False).refusal is None

    assert all(admitted(str(number)) for number in range(1_000))
    assert len(table) == 100
    assert not admitted("900")
    assert admitted("899")


def test_clients_that_have_gone_are_forgotten_before_the_table_is_full() -> None:
    table = LocalBuckets()
    for number in range(1_000):
        table.admit([API], str(number), share=WHOLE, now_ms=number, degraded=False)
    # Each has run dry after 50 ms.
    assert len(table) <= 52


class Recorded:
    """A limiter that admits everything and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], str]] = []

    def admit(self, limits: object, subject: str) -> Verdict:
        self.asked.append(([limit.name for limit in limits], subject))  # type: ignore[attr-defined]
        return Verdict()


def test_each_kind_of_route_asks_its_own_limits_by_whom_they_count() -> None:
    recorded = Recorded()
    limits = RateLimits(recorded, limits_by_class("production", 600))
    for rate_class in RATE_CLASSES:
        limits.admit(rate_class, "address", "203.0.113.5")
        limits.admit(rate_class, "player", "777")
    assert recorded.asked == [
        (["global", "api"], "203.0.113.5"),
        (["global", "battle"], "203.0.113.5"),
        (["player-battles"], "777"),
        (["global", "operator-sign-in"], "203.0.113.5"),
        (["regions"], "203.0.113.5"),
    ]


def test_every_tier_has_limits() -> None:
    assert set(LIMITS_BY_TIER) == set(TIERS) == set(TIER_NAMES)
    for tier in TIERS:
        assert limits_by_class(tier, 7)["api"][0].quota == 7


def test_an_unknown_tier_or_kind_of_route_is_named_with_what_there_is() -> None:
    with pytest.raises(UnknownRateClass, match=r"ARENA_TIER: 'huge' has no rate limits; take one of development, "):
        limits_by_class("huge", 600)
    with pytest.raises(UnknownRateClass, match=r"GET /x: rate_class 'slow' is unknown; take one of unlimited, api"):
        require_rate_class("slow", "GET /x")


def test_a_limit_s_figures_are_checked() -> None:
    with pytest.raises(ValueError, match="limit none"):
        Limit(name="none", rate=0, period_seconds=1, burst=0, scope="address")


def test_a_clock_that_goes_back_does_not_stop_anything() -> None:
    clock = ManualClock(NOON)
    one = limiter(clock, environments_max=1)
    one.admit([API], "c")
    clock.advance(-timedelta(days=1).total_seconds())
    assert one.admit([API], "c").refusal is None
