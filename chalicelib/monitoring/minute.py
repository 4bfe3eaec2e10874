"""What is published of a region's minute, and how it follows from what its environments counted. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chalicelib.monitoring.battle_queue import Lengths
from chalicelib.monitoring.families import (
    CACHE_HIT_RATIO,
    CACHE_LOOKUPS,
    CACHE_MEMORY,
    CACHE_OPERATIONS,
    FAMILIES,
    HTTP_REQUESTS,
    PROCESSING_LATENCY,
    REGION_REQUEST_RATE,
    WEBSOCKETS,
)
from chalicelib.monitoring.histograms import Histogram, histograms
from chalicelib.monitoring.ports import CacheNodeFigures
from chalicelib.monitoring.registry import Series, Values, parse_series, series_key

HTTP: Final = "http"
LOOKUP_RESULTS: Final = ("hit", "miss", "degraded")


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
    further: Mapping[str, float] = field(default_factory=dict)
    """Gauges that are shown and not published, by series key."""

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
        return {**gauges, **self.further}


def condensed(totals: Values) -> dict[str, int]:
    """Of what is published as growth, as much as is needed: requests in all, lookups by result, latencies by kind."""
    found: dict[str, int] = {}
    for key, value in totals.items():
        series = parse_series(key)
        short = None if series is None else _short(series)
        if short is not None:
            found[short] = found.get(short, 0) + value
    return found


def kind_of(operation: str) -> str:
    """``http`` for routes (``GET /metrics``), else the operation's first word (``queue battles``)."""
    first = operation.partition(" ")[0]
    return HTTP if first.isupper() else first


def request_rate(grown: Values, seconds: float | None) -> float | None:
    """Per second; ``grown`` of what ``condensed`` names."""
    return grown.get(HTTP_REQUESTS, 0) / seconds if seconds else None


def hit_ratio(grown: Values) -> float | None:
    by_result = {result: grown.get(series_key(CACHE_LOOKUPS, (result,)), 0) for result in LOOKUP_RESULTS}
    lookups = sum(by_result.values())
    return by_result["hit"] / lookups if lookups else None


def latencies(grown: Values) -> dict[str, Histogram]:
    """By kind of operation, those with anything in them."""
    found = {parse_series(key): value for key, value in grown.items() if key.startswith(PROCESSING_LATENCY)}
    values = {series: value for series, value in found.items() if series is not None}
    return {one.labels[0]: one for one in histograms(FAMILIES[PROCESSING_LATENCY], values) if one.count}


def _short(series: Series) -> str | None:
    if series.family == HTTP_REQUESTS:
        return HTTP_REQUESTS
    if series.family == CACHE_LOOKUPS:
        return series_key(CACHE_LOOKUPS, series.labels[1:])
    if series.family == PROCESSING_LATENCY:
        return series_key(PROCESSING_LATENCY, (kind_of(series.labels[0]),), series.part)
    return None
