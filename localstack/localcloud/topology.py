"""Which servers each tier runs locally, and where each region's data lies. Data only."""

from dataclasses import dataclass

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
"""Every region the arena knows; the first is where an unnamed one defaults to."""


@dataclass(frozen=True)
class Topology:
    """A tier's local servers. ``stage`` is the Chalice stage that is deployed."""

    stage: str
    mongo_members: int


TIERS = {"development": Topology(stage="dev", mongo_members=1)}
"""The tiers the local cloud can run."""


@dataclass(frozen=True)
class Cache:
    """A cache the local cloud can have. ``redis_mode`` is what the functions are told."""

    purpose: str
    masters: int
    replicas_each: int
    redis_mode: str


CACHES = {
    "none": Cache("correct without any", masters=0, replicas_each=0, redis_mode="single"),
    "single": Cache("one server, light", masters=1, replicas_each=0, redis_mode="single"),
    "cluster": Cache("three masters with a replica each, as in production", 3, 1, redis_mode="cluster"),
}
"""Every kind, by the name ``./arena up --cache`` knows it by."""
DEFAULT_CACHE = "single"


def database_name(region: str) -> str:
    """The region's own database, e.g. ``aiba_us_east_1``."""
    return "aiba_" + region.replace("-", "_")
