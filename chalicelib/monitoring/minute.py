"""What is published of a region's minute, and how it follows from what its environments counted. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chalicelib.monitoring.battle_queue import Lengths
from chalicelib.monitoring.families import (
    BATTLES,
    CACHE_BREAKER,
    CACHE_HIT_RATIO,
    CACHE_LATENCY,
    CACHE_LOOKUPS,
    CACHE_MEMORY,
    CACHE_OPERATIONS,
    DATABASE_COMMANDS,
    DATABASE_LATENCY,
    FAMILIES,
    HTTP_REQUESTS,
    PROCESSING_LATENCY,
    REGION_REQUEST_RATE,
    REPLICATION_DIFFERENCES,
    SCALING_ENVIRONMENTS,
    SCALING_SPILLOVER,
    WEBSOCKETS,
)
from chalicelib.monitoring.histograms import Histogram, histograms, quantile
from chalicelib.monitoring.history import MinutePoint, minute_of
from chalicelib.monitoring.ports import CacheNodeFigures, ScalingFigures
from chalicelib.monitoring.registry import Series, Values, parse_series, series_key
from chalicelib.monitoring.reports import InstanceReport

HTTP: Final = "http"
LOOKUP_RESULTS: Final = ("hit", "miss", "degraded")
STATUS_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
_WHOLE: Final = frozenset({BATTLES, DATABASE_COMMANDS, DATABASE_LATENCY, CACHE_LATENCY, REPLICATION_DIFFERENCES})
"""Families whose growth is shown series by series."""
_FORM: Final = "form"
_THIS_FORM: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What could not be found out is None, or missing."""

    at: datetime
    instances: int | None
    """Environments that reported lately."""
    in_flight: int | None
    websockets: int | None
    lengths: Lengths | None
    request_rate: float | None
    """Requests per second of the region since the run before."""
    hit_ratio: float | None
    """Hits by lookups since the run before; None when nothing was looked up."""
    latencies: Mapping[str, Histogram] = field(default_factory=dict)
    """By kind of operation (``http``, ``queue``, ``schedule``, ``websocket``), of what ended since the run before."""
    nodes: Sequence[CacheNodeFigures] = ()
    cache_up: bool | None = None
    """Whether any master of the cache answered; None where there is no cache."""
    breakers_open: int | None = None
    """Cache nodes that environments do not ask at present, added up."""
    further: Mapping[str, float] = field(default_factory=dict)
    """Gauges that are shown and not published, by series key."""
    scaling: ScalingFigures | None = None
    client_error_rate: float | None = None
    """Answers with 4xx per second since the run before."""
    server_error_rate: float | None = None
    battle_rates: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Battles per second by arena and league, those with any."""
    database_error_share: float | None = None
    """Commands the database did not carry out, by commands, since the run before; None when there were none."""
    differences: int | None = None
    """Documents found to differ from another region's since the run before."""

    @property
    def error_share(self) -> float | None:
        """Answers with 5xx by requests; None when there were none."""
        return (
            self.server_error_rate / self.request_rate
            if self.request_rate and self.server_error_rate is not None
            else None
        )

    @property
    def active_connections(self) -> int | None:
        if self.websockets is None or self.in_flight is None:
            return None
        return self.in_flight + self.websockets

    def gauges(self) -> dict[str, float]:
        """By series key."""
        known = {
            WEBSOCKETS: self.websockets,
            REGION_REQUEST_RATE: self.request_rate,
            CACHE_HIT_RATIO: self.hit_ratio,
        }
        gauges: dict[str, float] = {name: value for name, value in known.items() if value is not None}
        for node in self.nodes:
            gauges[series_key(CACHE_MEMORY, (node.node,))] = node.memory_used_bytes
            gauges[series_key(CACHE_OPERATIONS, (node.node,))] = node.operations_per_second
        if self.scaling is not None:
            seen = {
                series_key(SCALING_ENVIRONMENTS, ("requested",)): self.scaling.requested,
                series_key(SCALING_ENVIRONMENTS, ("ready",)): self.scaling.ready,
                series_key(SCALING_ENVIRONMENTS, ("in_use",)): self.scaling.in_use,
                SCALING_SPILLOVER: self.scaling.spilled_per_second,
            }
            gauges |= {key: value for key, value in seen.items() if value is not None}
        return {**gauges, **self.further}


def point(minute: Minute) -> MinutePoint:
    """What is kept of a minute."""
    requests, seen = minute.latencies.get(HTTP), minute.scaling
    p50, p95, p99 = (None if requests is None else quantile(requests, share) for share in (0.5, 0.95, 0.99))
    return MinutePoint(
        at=minute_of(minute.at),
        requests_per_second=minute.request_rate,
        client_errors_per_second=minute.client_error_rate,
        server_errors_per_second=minute.server_error_rate,
        latency_p50_seconds=p50,
        latency_p95_seconds=p95,
        latency_p99_seconds=p99,
        battles_per_second=minute.battle_rates,
        queued_battles=None if minute.lengths is None else sum(minute.lengths.values()),
        instances=minute.instances,
        provisioned=None if seen is None else seen.requested,
        ready=None if seen is None else seen.ready,
        in_use=None if seen is None else seen.in_use,
        spilled_per_second=None if seen is None else seen.spilled_per_second,
        cache_hit_ratio=minute.hit_ratio,
    )


def condensed(totals: Values) -> dict[str, int]:
    """Of what is shown as growth, as much as is needed: requests by class of status, lookups by result, latencies by
    kind of operation, battles, commands."""
    found: dict[str, int] = {_FORM: _THIS_FORM}
    for key, value in totals.items():
        series = parse_series(key)
        short = None if series is None else _short(series)
        if short is not None:
            found[short] = found.get(short, 0) + value
    return found


def comparable(before: Values, after: Values) -> bool:
    """Whether one release condensed both: a series the other left out would seem to have grown by all of it."""
    return before.get(_FORM) == after.get(_FORM)


def kind_of(operation: str) -> str:
    """``http`` for routes (``GET /metrics``), else the operation's first word (``queue battles``)."""
    first = operation.partition(" ")[0]
    return HTTP if first.isupper() else first


def request_rate(grown: Values, seconds: float | None, statuses: Sequence[str] = STATUS_CLASSES) -> float | None:
    """Per second, of answers with these classes of status; ``grown`` of what ``condensed`` names."""
    return sum(grown.get(series_key(HTTP_REQUESTS, (status,)), 0) for status in statuses) / seconds if seconds else None


def battle_rates(grown: Values, seconds: float | None) -> dict[tuple[str, str], float]:
    """Per second by arena and league, those with any."""
    if not seconds:
        return {}
    found = ((parse_series(key), value) for key, value in grown.items() if key.startswith(BATTLES))
    return {(one.labels[0], one.labels[1]): value / seconds for one, value in found if one is not None}


def database_error_share(grown: Values) -> float | None:
    found = ((parse_series(key), value) for key, value in grown.items() if key.startswith(DATABASE_COMMANDS))
    outcomes = [(series.labels[1], value) for series, value in found if series is not None]
    commands = sum(value for _, value in outcomes)
    return sum(value for outcome, value in outcomes if outcome == "error") / commands if commands else None


def hit_ratio(grown: Values) -> float | None:
    by_result = {result: grown.get(series_key(CACHE_LOOKUPS, (result,)), 0) for result in LOOKUP_RESULTS}
    lookups = sum(by_result.values())
    return by_result["hit"] / lookups if lookups else None


def breakers_open(reports: Sequence[InstanceReport]) -> int:
    return int(sum(report.gauges.get(CACHE_BREAKER, 0) for report in reports))


def latencies(grown: Values) -> dict[str, Histogram]:
    """By kind of operation, those with anything in them."""
    found = {parse_series(key): value for key, value in grown.items() if key.startswith(PROCESSING_LATENCY)}
    values = {series: value for series, value in found.items() if series is not None}
    return {one.labels[0]: one for one in histograms(FAMILIES[PROCESSING_LATENCY], values) if one.count}


def _short(series: Series) -> str | None:
    if series.family in _WHOLE:
        return series_key(*series)
    if series.family == HTTP_REQUESTS:
        return series_key(HTTP_REQUESTS, series.labels[1:])
    if series.family == CACHE_LOOKUPS:
        return series_key(CACHE_LOOKUPS, series.labels[1:])
    if series.family == PROCESSING_LATENCY:
        return series_key(PROCESSING_LATENCY, (kind_of(series.labels[0]),), series.part)
    return None
