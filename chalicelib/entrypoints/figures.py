"""What operators see of the region in numbers: environments, minutes, database, cache."""

from datetime import timedelta
from typing import Any, Final

from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.region_state import known_state, required_state
from chalicelib.entrypoints.validation import Integer
from chalicelib.errors import Unavailable
from chalicelib.monitoring.history import HISTORY_SHOWN_MAX, history_view, minute_of
from chalicelib.observability import logger

routes: Final = Routes(__name__)

_MINUTES_SHOWN: Final = 60
_NOT_KNOWN: Final = {503: ("metrics_unavailable",)}


@routes.route(
    "GET",
    "/api/ops/instances",
    operator=True,
    summary="The region's execution environments, and all of them together",
    answers=(Answer("Instances"),),
    refusals=_NOT_KNOWN,
)
def instances(call: Call) -> dict[str, Any]:
    """Those that reported within the last minute. What can't be known is null, and `unavailable` says why."""
    from chalicelib.monitoring.instances import instances_view

    arena = call.arena
    return instances_view(required_state(arena), region=arena.settings.region, now=arena.clock())


@routes.route(
    "GET",
    "/api/ops/history",
    operator=True,
    query={"minutes": Integer(minimum=1, maximum=HISTORY_SHOWN_MAX)},
    summary="The region's last minutes",
    answers=(Answer("History"),),
    refusals=_NOT_KNOWN,
)
def history(call: Call) -> dict[str, Any]:
    """A point a minute, oldest first; the last 60 minutes unless said otherwise. A day of them is kept."""
    arena, minutes = call.arena, call.query.get("minutes", _MINUTES_SHOWN)
    since = minute_of(arena.clock()) - timedelta(minutes=minutes - 1)
    try:
        points = arena.shared_metrics.points(since)
    except Exception as error:
        logger().warning("history not known", exc_info=True)
        raise Unavailable("metrics_unavailable", "the region's history is not known at present") from error
    return history_view(points, region=arena.settings.region)


@routes.route(
    "GET",
    "/api/ops/database",
    operator=True,
    summary="The database as the region's environments see it",
    answers=(Answer("DatabaseFigures"),),
)
def database(call: Call) -> dict[str, Any]:
    """Totals since counting began; rates and percentiles of the last whole minute."""
    from chalicelib.monitoring.stores import PoolSize, database_view

    arena = call.arena
    readiness = arena.readiness()
    return database_view(
        known_state(arena, readiness),
        region=arena.settings.region,
        now=arena.clock(),
        pools={name: PoolSize(spec.min_size, spec.max_size) for name, spec in arena.pools.specs.items()},
        answers=readiness.is_up("mongodb"),
    )


@routes.route(
    "GET",
    "/api/ops/cache",
    operator=True,
    summary="The cache and the limiter as the region's environments see them",
    answers=(Answer("CacheFigures"),),
)
def cache(call: Call) -> dict[str, Any]:
    """Totals since counting began; rates and percentiles of the last whole minute."""
    from chalicelib.monitoring.stores import cache_view

    arena = call.arena
    readiness = arena.readiness()
    return cache_view(
        known_state(arena, readiness),
        region=arena.settings.region,
        now=arena.clock(),
        configured=arena.redis is not None,
        answers=readiness.is_up("redis"),
    )
