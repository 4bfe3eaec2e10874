"""The database and the cache as operators see them: totals, the last minute, and what nobody knows."""

from datetime import timedelta

import pytest

from chalicelib.monitoring.families import (
    CACHE_BREAKER,
    CACHE_BREAKER_CHANGES,
    CACHE_COMMANDS,
    CACHE_HIT_RATIO,
    CACHE_LATENCY,
    CACHE_LOOKUPS,
    CACHE_MEMORY,
    CACHE_OPERATIONS,
    DATABASE_CHECKOUT_FAILURES,
    DATABASE_COMMANDS,
    DATABASE_LATENCY,
    DATABASE_POOL,
    LIMITER_DECISIONS,
)
from chalicelib.monitoring.minute import condensed
from chalicelib.monitoring.outgoing import growth
from chalicelib.monitoring.registry import Registry, series_key
from chalicelib.monitoring.reports import RECORD_LIFE, InstanceReport, RegionRecord, RegionState
from chalicelib.monitoring.stores import PoolSize, cache_view, database_view
from tests.worlds import NOON

POOLS = {"primary": PoolSize(0, 2), "analytics": PoolSize(0, 1)}
GAUGES = {CACHE_HIT_RATIO: 0.75, f"{CACHE_MEMORY}|a": 1000, f"{CACHE_OPERATIONS}|a": 7, f"{CACHE_OPERATIONS}|b": 3}


def pooled(instance: str, opened: int, in_use: int, breakers: int = 0) -> InstanceReport:
    states = {"open": opened, "in_use": in_use}
    gauges = {series_key(DATABASE_POOL, ("primary", state)): value for state, value in states.items()}
    return InstanceReport(instance=instance, at=NOON, gauges={**gauges, CACHE_BREAKER: breakers})


def region() -> RegionState:
    """One that had counted before, and for a minute since."""
    registry = Registry()
    registry.count(DATABASE_COMMANDS, 100, command="find", outcome="ok")
    registry.count(CACHE_COMMANDS, 50, command="GET", outcome="ok")
    before = condensed(registry.values())
    registry.count(DATABASE_COMMANDS, 26, command="find", outcome="ok")
    registry.count(DATABASE_COMMANDS, 4, command="find", outcome="error")
    registry.count(DATABASE_COMMANDS, 1, command="commitTransaction", outcome="ok")
    for _ in range(30):
        registry.observe(DATABASE_LATENCY, 0.002, command="find")
    registry.count(DATABASE_CHECKOUT_FAILURES, 2, pool="primary")
    registry.count(CACHE_COMMANDS, 10, command="GET", outcome="refused")
    registry.observe(CACHE_LATENCY, 0.0004, command="GET")
    for result, count in (("hit", 6), ("miss", 2)):
        registry.count(CACHE_LOOKUPS, count, cache="modes", result=result)
    registry.count(CACHE_BREAKER_CHANGES, 2, state="open")
    for decision, degraded, count in (("admitted", "false", 9), ("admitted", "true", 2), ("refused", "true", 1)):
        registry.count(LIMITER_DECISIONS, count, limit="api", decision=decision, degraded=degraded)
    totals = registry.values()
    grown = growth(before, condensed(totals))
    record = RegionRecord(at=NOON, gauges=GAUGES, baseline=condensed(totals), grown=grown, seconds=60.0)
    reports = [pooled("a1", 2, 1, breakers=1), pooled("b2", 1, 0), InstanceReport(instance="c3", at=NOON)]
    return RegionState(totals=totals, reports=reports, own={}, record=record)


def test_the_database_in_numbers() -> None:
    view = database_view(region(), region="eu-west-1", now=NOON, pools=POOLS, answers=True)
    assert view["pools"] == [
        {"pool": "primary", "minSize": 0, "maxSize": 2, "open": 3, "inUse": 1, "environments": 2},
        {"pool": "analytics", "minSize": 0, "maxSize": 1, "open": 0, "inUse": 0, "environments": 0},
    ]
    commit, find = view["commands"]
    assert (commit["command"], commit["total"], commit["p50Seconds"]) == ("commitTransaction", 1, None)
    assert (find["command"], find["total"], find["errors"], find["perSecond"]) == ("find", 130, 4, 0.5)
    percentiles = [find[f"p{share}Seconds"] for share in (50, 95, 99)]
    assert percentiles == pytest.approx([0.00175, 0.002425, 0.002485])
    assert (view["errorsTotal"], view["checkoutFailuresTotal"], view["answers"]) == (4, 2, True)


def test_the_cache_in_numbers() -> None:
    view = cache_view(region(), region="eu-west-1", now=NOON, configured=True, answers=True)
    assert view["lookups"] == [{"cache": "modes", "hits": 6, "misses": 2, "degraded": 0}]
    assert view["nodes"] == [
        {"node": "a", "memoryBytes": 1000, "operationsPerSecond": 7},
        {"node": "b", "memoryBytes": None, "operationsPerSecond": 3},
    ]
    (get,) = view["commands"]
    assert (get["total"], get["errors"], get["refused"], get["p50Seconds"]) == (60, 0, 10, 0.00025)
    assert (view["hitRatio"], view["breakersOpen"]) == (0.75, 1)
    assert view["breakerChanges"] == [{"state": "open", "total": 2}]
    assert view["limits"] == [{"limit": "api", "admitted": 11, "refused": 1, "degraded": 3}]


def test_a_stale_record_says_nothing_of_the_last_minute() -> None:
    late = NOON + timedelta(seconds=RECORD_LIFE.total_seconds())
    (_, find) = database_view(region(), region="eu-west-1", now=late, pools=POOLS, answers=True)["commands"]
    assert (find["total"], find["perSecond"], find["p99Seconds"]) == (130, None, None)
    view = cache_view(region(), region="eu-west-1", now=late, configured=True, answers=True)
    assert (view["hitRatio"], view["nodes"]) == (None, [])


def test_without_the_shared_state_nothing_is_zero() -> None:
    view = database_view(None, region="eu-west-1", now=NOON, pools=POOLS, answers=False)
    (primary, _) = view["pools"]
    assert (primary["maxSize"], primary["open"], primary["inUse"], primary["environments"]) == (2, None, None, None)
    assert (view["commands"], view["errorsTotal"], view["checkoutFailuresTotal"]) == ([], None, None)
    cache = cache_view(None, region="eu-west-1", now=NOON, configured=True, answers=False)
    assert (cache["breakersOpen"], cache["hitRatio"], cache["lookups"], cache["limits"]) == (None, None, [], [])
