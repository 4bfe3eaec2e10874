"""Which servers each tier runs locally, and where each region's data lies. Data only."""

from dataclasses import dataclass

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
"""Every region the arena knows; the first is where an unnamed one defaults to."""


@dataclass(frozen=True, kw_only=True)
class Topology:
    """A tier's local servers, and how many environments of the API each region keeps warm."""

    mongo_members: int
    cache: str
    """One of ``CACHES``."""
    instances_min: int
    """The guide's number."""
    instances_max: int
    """What two cores can show, where the guide's number is higher."""
    regions: tuple[str, ...] = REGIONS
    """Where it is brought up unless other regions are asked for."""
    missing: str = ""
    """What the guide gives the tier and no local server does."""


STAGE = "dev"
"""The Chalice stage that is deployed, whatever the tier: the others' functions insist on Redis by TLS."""

_UNSHARDED = "sharding: no package has mongos, so one replica set stands for the shards (docs/sharding.md)"

TIERS = {
    "development": Topology(mongo_members=1, cache="single", instances_min=1, instances_max=1),
    "staging": Topology(mongo_members=3, cache="single", instances_min=2, instances_max=2),
    "production": Topology(mongo_members=3, cache="cluster", instances_min=3, instances_max=8, missing=_UNSHARDED),
    "enterprise": Topology(
        mongo_members=3,
        cache="cluster",
        instances_min=10,
        instances_max=12,
        # Thirty environments start too slowly for two cores to wait for.
        regions=REGIONS[:1],
        missing=_UNSHARDED,
    ),
}
"""The tiers the local cloud can run, smallest first; their fronts stand in ``infra.fronts.tiers``."""


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
