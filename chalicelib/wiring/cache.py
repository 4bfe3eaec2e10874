"""Builds the doors to Redis."""

from typing import TYPE_CHECKING, Literal

from chalicelib.settings import split_urls

if TYPE_CHECKING:
    from chalicelib.cache.counters import CacheObserver
    from chalicelib.cache.door import RedisDoor
    from chalicelib.settings import Settings


def door(settings: "Settings", patience: Literal["quick", "patient"], observer: "CacheObserver") -> "RedisDoor | None":
    """``quick`` for what a player waits for, ``patient`` for upkeep. None where no Redis is configured."""
    if settings.redis_url is None:
        return None
    from chalicelib.cache.door import PATIENT, QUICK, RedisDoor

    return RedisDoor.from_urls(
        split_urls(settings.redis_url),
        cluster=settings.redis_mode == "cluster",
        limits=QUICK if patience == "quick" else PATIENT,
        observer=observer,
    )
