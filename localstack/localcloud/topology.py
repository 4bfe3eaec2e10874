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


def database_name(region: str) -> str:
    """The region's own database, e.g. ``aiba_us_east_1``."""
    return "aiba_" + region.replace("-", "_")
