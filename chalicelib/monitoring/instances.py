"""Every environment of a region in the operators' guide's shape, and the region as one. Pure.

A figure that is not known is null, and ``unavailable`` says why. Sums are made of counts before rates and means are.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.monitoring.families import CACHE_MEMORY, DATABASE_POOL
from chalicelib.monitoring.figures import FIGURE_NAMES, Figures
from chalicelib.monitoring.registry import MICRO, parse_series
from chalicelib.monitoring.reports import REPORT_SECONDS, InstanceReport, RegionState

GROUPS: Final = ("cpu", "memory", "network", "database", "cache", "application")
RATES: Final = ("queries", "operations", "requests")
PROVISIONED: Final = "provisioned-concurrency"
ON_DEMAND: Final = "on-demand"

FIRST_REPORT: Final = "an environment's first report has nothing to compare with: it comes with the second"
_NO_SHARE: Final = "outside Lambda nothing says how much of the machine is the environment's"
_NO_SANDBOX: Final = (
    "of Lambda's sandboxes, from their second report on: elsewhere interfaces carry the whole machine's traffic"
)
_NOT_SAID: Final = "this system does not say"
_NONE: Final = "there was none in the window to take a mean of"
WINDOWED: Final[Mapping[str, str]] = {
    "cpu.usage": _NO_SHARE,
    "network.bytesTransferred": _NO_SANDBOX,
    "network.packetsTransferred": _NO_SANDBOX,
    "database.queriesPerSecond": _NOT_SAID,
    "database.avgResponseTime": _NONE,
    "database.errors": _NOT_SAID,
    "cache.hitRate": _NONE,
    "cache.operationsPerSecond": _NOT_SAID,
    "application.activeUsers": _NOT_SAID,
    "application.requestsPerSecond": _NOT_SAID,
    "application.avgResponseTime": _NONE,
    "application.errorRate": _NONE,
}
"""Figures of the time since the report before, and why they are null even where there is one."""
WHY: Final[Mapping[str, str]] = {
    **WINDOWED,
    "cpu.loadAverage": _NOT_SAID,
    "cpu.cores": _NO_SHARE,
    "memory.used": _NOT_SAID,
    "memory.total": _NO_SHARE,
    "memory.external": "memory of objects outside a JavaScript heap; Python keeps no such account",
    "memory.systemUsed": _NOT_SAID,
    "memory.systemTotal": _NOT_SAID,
    "network.connections": _NOT_SAID,
    "database.connections": "the environment has asked the database nothing",
    "cache.memoryUsage": "the cache's nodes use it, no environment does: the aggregate has it",
}


def instances_view(state: RegionState, *, region: str, now: datetime) -> dict[str, Any]:
    """The answer's data; moments are datetimes."""
    reports = [report for report in state.reports if report.is_live(now)]
    shown = [_instance(report, region) for report in reports]
    return {
        "region": region,
        "at": now,
        "staleAfterSeconds": REPORT_SECONDS,
        "instances": shown,
        "aggregate": _aggregate(reports, state, now),
        "unavailable": _unavailable(shown),
    }


def _instance(report: InstanceReport, region: str) -> dict[str, Any]:
    figures = report.figures
    return {
        "instanceId": report.instance,
        "region": region,
        "timestamp": report.at,
        "function": report.function,
        "functionVersion": report.function_version,
        "initialization": report.initialization,
        "windowSeconds": report.window_seconds,
        **_groups(figures, _rates(report), cpu=report.cpu_share, load=figures.load_average, pooled=_pooled([report])),
    }


def _aggregate(reports: Sequence[InstanceReport], state: RegionState, now: datetime) -> dict[str, Any]:
    """Of all together. A player whom several served counts with each of them."""
    kinds = [report.initialization for report in reports]
    rates = [_rates(report) for report in reports]
    return {
        "instances": len(reports),
        "provisioned": kinds.count(PROVISIONED),
        "onDemand": kinds.count(ON_DEMAND),
        **_groups(
            _together([report.figures for report in reports]),
            {name: total(one[name] for one in rates) for name in RATES},
            cpu=_mean(report.cpu_share for report in reports),
            load=_mean(report.figures.load_average for report in reports),
            pooled=_pooled(reports),
            cache_memory=_cache_memory(state, now),
        ),
    }


def _rates(report: InstanceReport) -> dict[str, float | None]:
    seconds = report.window_seconds
    counts = {"queries": report.figures.commands, "operations": report.figures.cache_commands}
    per_second = {name: None if count is None or not seconds else count / seconds for name, count in counts.items()}
    return {**per_second, "requests": report.request_rate}


def _groups(
    figures: Figures,
    rates: Mapping[str, float | None],
    *,
    cpu: float | None,
    load: float | None,
    pooled: float | None,
    cache_memory: float | None = None,
) -> dict[str, dict[str, float | None]]:
    return {
        "cpu": {"usage": cpu, "loadAverage": load, "cores": figures.vcpus},
        "memory": {
            "used": figures.resident_bytes,
            "total": figures.memory_bytes,
            "external": None,
            "systemUsed": figures.system_used_bytes,
            "systemTotal": figures.system_total_bytes,
        },
        "network": {
            "bytesTransferred": figures.network_bytes,
            "packetsTransferred": figures.network_packets,
            "connections": figures.sockets,
        },
        "database": {
            "connections": pooled,
            "queriesPerSecond": rates["queries"],
            "avgResponseTime": _ratio(figures.command_microseconds, figures.commands, MICRO),
            "errors": figures.command_errors,
        },
        "cache": {
            "hitRate": _ratio(figures.hits, figures.lookups),
            "memoryUsage": cache_memory,
            "operationsPerSecond": rates["operations"],
        },
        "application": {
            "activeUsers": figures.players,
            "requestsPerSecond": rates["requests"],
            "avgResponseTime": _ratio(figures.work_microseconds, figures.work, MICRO),
            "errorRate": _ratio(figures.server_errors, figures.requests),
        },
    }


def _unavailable(shown: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Of figures that are null for any environment. What stays so counts before what the next report mends."""
    found: dict[str, str] = {}
    for one in shown:
        missing = [f"{group}.{name}" for group in GROUPS for name, value in one[group].items() if value is None]
        for path in missing:
            comes = one["windowSeconds"] is None and path in WINDOWED
            if not comes or path not in found:
                found[path] = FIRST_REPORT if comes else WHY[path]
    return dict(sorted(found.items()))


def _together(figures: Sequence[Figures]) -> Figures:
    sums: dict[str, Any] = {name: total(getattr(one, name) for one in figures) for name in FIGURE_NAMES}
    return Figures(**sums)


def _pooled(reports: Iterable[InstanceReport]) -> float | None:
    """Connections open in all pools."""
    opened = [
        value
        for report in reports
        for key, value in report.gauges.items()
        if (series := parse_series(key)) and series.family == DATABASE_POOL and series.labels[1] == "open"
    ]
    return total(opened)


def _cache_memory(state: RegionState, now: datetime) -> float | None:
    if state.record is None or not state.record.is_live(now):
        return None
    return total([value for key, value in state.record.gauges.items() if key.startswith(CACHE_MEMORY)])


def total(values: Iterable[float | None]) -> float | None:
    """The sum of those that are known; None when none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _ratio(part: float | None, whole: float | None, unit: float = 1) -> float | None:
    return None if part is None or not whole else part / whole / unit
