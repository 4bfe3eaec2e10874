"""What a region's environments counted of its database and its cache, for operators. Pure.

Totals are of all environments there ever were; rates and percentiles are of the last whole minute, null without one.
Without the shared state (None) there is nothing but what the caller knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

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
    FAMILIES,
    LIMITER_DECISIONS,
)
from chalicelib.monitoring.histograms import histograms, quantile
from chalicelib.monitoring.instances import total
from chalicelib.monitoring.registry import Series, parse_series, series_key
from chalicelib.monitoring.reports import RegionRecord, RegionState

Labels = tuple[str, ...]


class PoolSize(NamedTuple):
    """Connections of one environment's pool to one server."""

    least: int
    most: int


def database_view(
    state: RegionState | None, *, region: str, now: datetime, pools: Mapping[str, PoolSize], answers: bool
) -> dict[str, Any]:
    """The answer's data."""
    counted, record = _counted(state), _live(state, now)
    commands = counted.get(DATABASE_COMMANDS, {})
    errors = [value for (_, outcome), value in commands.items() if outcome == "error"]
    return {
        "region": region,
        "at": now,
        "pools": [_pool(state, name, size) for name, size in pools.items()],
        "commands": [
            {
                "command": command,
                "total": sum(outcomes.values()),
                "errors": outcomes.get("error", 0),
                "perSecond": _per_second(record, DATABASE_COMMANDS, command, outcomes),
                **_percentiles(record, DATABASE_LATENCY, command),
            }
            for command, outcomes in _nested(commands).items()
        ],
        "errorsTotal": None if state is None else sum(errors),
        "checkoutFailuresTotal": None if state is None else sum(counted.get(DATABASE_CHECKOUT_FAILURES, {}).values()),
        "answers": answers,
    }


def cache_view(
    state: RegionState | None, *, region: str, now: datetime, configured: bool, answers: bool
) -> dict[str, Any]:
    """The answer's data."""
    counted, record = _counted(state), _live(state, now)
    gauges = {} if record is None else _by_family(record.gauges)
    memory, operations = gauges.get(CACHE_MEMORY, {}), gauges.get(CACHE_OPERATIONS, {})
    limits: dict[str, dict[str, float]] = {}
    for (limit, decision, degraded), value in counted.get(LIMITER_DECISIONS, {}).items():
        sums = limits.setdefault(limit, {"admitted": 0, "refused": 0, "degraded": 0})
        # Another release may have counted what this one has no word for.
        sums[decision] = sums.get(decision, 0) + value
        sums["degraded"] += value if degraded == "true" else 0
    return {
        "region": region,
        "at": now,
        "configured": configured,
        "answers": answers,
        "hitRatio": None if record is None else record.gauges.get(CACHE_HIT_RATIO),
        "lookups": [
            {"cache": cache, **{shown: found.get(result, 0) for shown, result in _RESULTS.items()}}
            for cache, found in _nested(counted.get(CACHE_LOOKUPS, {})).items()
        ],
        "nodes": [
            {"node": node, "memoryBytes": memory.get((node,)), "operationsPerSecond": operations.get((node,))}
            for (node,) in sorted({*memory, *operations})
        ],
        "commands": [
            {
                "command": command,
                "total": sum(outcomes.values()),
                "errors": outcomes.get("error", 0),
                "refused": outcomes.get("refused", 0),
                **_percentiles(record, CACHE_LATENCY, command),
            }
            for command, outcomes in _nested(counted.get(CACHE_COMMANDS, {})).items()
        ],
        "breakersOpen": None if state is None else sum(one.gauges.get(CACHE_BREAKER, 0) for one in state.reports),
        "breakerChanges": [
            {"state": name, "total": value} for (name,), value in counted.get(CACHE_BREAKER_CHANGES, {}).items()
        ],
        "limits": [
            {"limit": limit, **{name: sums[name] for name in ("admitted", "refused", "degraded")}}
            for limit, sums in sorted(limits.items())
        ],
    }


_RESULTS: Final = {"hits": "hit", "misses": "miss", "degraded": "degraded"}


def _pool(state: RegionState | None, name: str, size: PoolSize) -> dict[str, Any]:
    """Of all environments that have it."""
    reports = [] if state is None else state.reports
    opened = [report.gauges.get(series_key(DATABASE_POOL, (name, "open"))) for report in reports]
    in_use = [report.gauges.get(series_key(DATABASE_POOL, (name, "in_use"))) for report in reports]
    return {
        "pool": name,
        "minSize": size.least,
        "maxSize": size.most,
        "open": None if state is None else total(opened) or 0,
        "inUse": None if state is None else total(in_use) or 0,
        "environments": None if state is None else sum(value is not None for value in opened),
    }


def _live(state: RegionState | None, now: datetime) -> RegionRecord | None:
    record = None if state is None else state.record
    return record if record is not None and record.is_live(now) else None


def _counted(state: RegionState | None) -> dict[str, dict[Labels, float]]:
    return {} if state is None else _by_family(state.totals)


def _by_family(values: Mapping[str, float]) -> dict[str, dict[Labels, float]]:
    """By labels in order, histograms' parts left out."""
    found: dict[str, dict[Labels, float]] = {}
    for key, value in sorted(values.items()):
        series = parse_series(key)
        if series is not None and not series.part:
            found.setdefault(series.family, {})[series.labels] = value
    return found


def _nested(values: Mapping[Labels, float]) -> dict[str, dict[str, float]]:
    """Of two labels, the second's values by the first."""
    found: dict[str, dict[str, float]] = {}
    for (first, second), value in values.items():
        found.setdefault(first, {})[second] = value
    return found


def _per_second(record: RegionRecord | None, family: str, first: str, seconds: Iterable[str]) -> float | None:
    if record is None or not record.seconds:
        return None
    return sum(record.grown.get(series_key(family, (first, second)), 0) for second in seconds) / record.seconds


def _percentiles(record: RegionRecord | None, family: str, label: str) -> dict[str, float | None]:
    found: Sequence[Any] = ()
    if record is not None:
        begins = series_key(family, (label, ""))
        parts: dict[Series, float] = {
            series: value
            for key, value in record.grown.items()
            if key.startswith(begins) and (series := parse_series(key)) is not None
        }
        found = histograms(FAMILIES[family], parts)
    shares = {"p50Seconds": 0.5, "p95Seconds": 0.95, "p99Seconds": 0.99}
    return {name: quantile(found[0], share) if found else None for name, share in shares.items()}
