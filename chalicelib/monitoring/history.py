"""A region minute by minute, for charts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

HISTORY_KEPT: Final = timedelta(hours=24)
HISTORY_SHOWN_MAX: Final = 180
"""Minutes."""
MINUTE: Final = timedelta(minutes=1)

_SHOWN: Final[Mapping[str, str]] = {
    "requestsPerSecond": "requests_per_second",
    "clientErrorsPerSecond": "client_errors_per_second",
    "serverErrorsPerSecond": "server_errors_per_second",
    "latencyP50Seconds": "latency_p50_seconds",
    "latencyP95Seconds": "latency_p95_seconds",
    "latencyP99Seconds": "latency_p99_seconds",
    "queuedBattles": "queued_battles",
    "instances": "instances",
    "provisioned": "provisioned",
    "ready": "ready",
    "inUse": "in_use",
    "spilledPerSecond": "spilled_per_second",
    "cacheHitRatio": "cache_hit_ratio",
}
"""Names of fields by the names they are told under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinutePoint:
    """One minute of a region. Rates are of the time since the run before; None: not known."""

    at: datetime
    """The minute's beginning."""
    requests_per_second: float | None = None
    client_errors_per_second: float | None = None
    """Answered with 4xx."""
    server_errors_per_second: float | None = None
    latency_p50_seconds: float | None = None
    """Of requests, as the buckets tell."""
    latency_p95_seconds: float | None = None
    latency_p99_seconds: float | None = None
    battles_per_second: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By arena and league, those with any."""
    queued_battles: int | None = None
    instances: int | None = None
    """Environments that reported lately."""
    provisioned: int | None = None
    """Asked for at the last scaling evaluation."""
    ready: int | None = None
    in_use: float | None = None
    spilled_per_second: float | None = None
    cache_hit_ratio: float | None = None


def minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def point_data(point: MinutePoint) -> dict[str, Any]:
    """As a JSON value, without ``at``: what operators are told."""
    battles = sorted(point.battles_per_second.items())
    return {
        **{shown: getattr(point, name) for shown, name in _SHOWN.items()},
        "battlesPerSecond": [
            {"arena": arena, "league": league, "perSecond": rate} for (arena, league), rate in battles
        ],
    }


def read_point(data: Mapping[str, Any], at: datetime) -> MinutePoint:
    """The reverse of ``point_data``; fields of another release are left aside."""
    known = {name: data[shown] for shown, name in _SHOWN.items() if shown in data}
    battles = {(one["arena"], one["league"]): one["perSecond"] for one in data.get("battlesPerSecond", ())}
    return MinutePoint(at=at, battles_per_second=battles, **known)


def history_view(points: Sequence[MinutePoint], *, region: str) -> dict[str, Any]:
    """Oldest first."""
    return {"region": region, "points": [{"at": point.at, **point_data(point)} for point in points]}
