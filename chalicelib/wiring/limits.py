"""Builds what counts requests."""

import uuid
from typing import TYPE_CHECKING

from chalicelib.observability import logger
from chalicelib.settings import SettingsError

if TYPE_CHECKING:
    from chalicelib.arena.rate_limits import RateLimits
    from chalicelib.cache.door import RedisDoor
    from chalicelib.cache.errors import CacheUnavailable
    from chalicelib.clock import Clock
    from chalicelib.settings import Settings


def rate_limits(settings: "Settings", door: "RedisDoor | None", clock: "Clock") -> "RateLimits | None":
    """None where they are switched off. Raises SettingsError for a tier without limits."""
    if not settings.rates.enforced:
        return None
    from chalicelib.arena.rate_limits import RateLimits, UnknownRateClass, limits_by_class
    from chalicelib.cache.limiter import Limiter
    from chalicelib.wiring.scaling import bounded_tier

    try:
        by_class = limits_by_class(settings.tier, settings.rates.requests_per_minute)
    except UnknownRateClass as error:
        raise SettingsError([str(error)]) from error
    limiter = Limiter(
        door,
        settings.mongo_database,
        clock,
        environment_id=uuid.uuid4().hex,
        environments_max=bounded_tier(settings).max_instances + settings.scaling.separate_environments,
        fell_back=_log_fall_back,
    )
    return RateLimits(limiter, by_class)


def _log_fall_back(error: "CacheUnavailable") -> None:
    logger().warning("rate limits counted in this environment alone", reason=error.reason)
