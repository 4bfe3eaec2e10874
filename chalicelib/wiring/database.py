"""Builds the pools of the database's clients."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymongo.monitoring import _EventListener

    from chalicelib.data.pools import PoolName, Pools
    from chalicelib.monitoring.ports import Meter
    from chalicelib.settings import Settings


def pools(settings: "Settings", meter: "Meter | None") -> "Pools":
    """``meter`` counts their commands and connections; None = nobody listens, and the driver tells nothing."""
    from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries

    def watched(pool: "PoolName") -> "Sequence[_EventListener]":
        if meter is None:
            return ()
        # Late: it imports the driver, which an environment that needs no database does not.
        from chalicelib.data.driver_meter import driver_meter

        return driver_meter(meter, pool)

    single = settings.tier == "development"
    specs = without_secondaries(ENVIRONMENT_POOLS) if single else ENVIRONMENT_POOLS
    return Pools(settings.mongo_uri, specs, watched=watched)
