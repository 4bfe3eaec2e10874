"""Builds what knows whose home is where, and what moves players."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.arena.emission import Share
    from chalicelib.arena.homes import HomesNow
    from chalicelib.clock import Clock
    from chalicelib.data.operations import Operations
    from chalicelib.data.store import MongoStore
    from chalicelib.replication.moves import Moves
    from chalicelib.replication.regions import KnownRoles
    from chalicelib.settings import Settings


def region_roles(settings: "Settings", operations: "Operations") -> "KnownRoles":
    from chalicelib.data.moves import MongoRegionRoles
    from chalicelib.replication.regions import KnownRoles

    regions = settings.replication.regions or (settings.region,)
    return KnownRoles(settings.region, regions, MongoRegionRoles(operations).all, time.monotonic)


def share(settings: "Settings") -> "Share":
    from chalicelib.arena.emission import WHOLE, Share

    regions = settings.replication.regions
    return Share(regions.index(settings.region), len(regions)) if settings.replication.is_on else WHOLE


def moves(store: "MongoStore", clock: "Clock", homes: "HomesNow", region: str) -> "Moves":
    from chalicelib.arena.homes import alone
    from chalicelib.data.moves import MongoMoves
    from chalicelib.replication.moves import Moves

    return Moves(MongoMoves(store), clock, lambda: homes() or alone(region))


def regions_seen(settings: "Settings", operations: "Operations", roles: "KnownRoles", clock: "Clock") -> list[Any]:
    """The regions as this one sees them, as JSON. Raises ``Unavailable``."""
    from chalicelib.data.region_log import MongoRegionLog
    from chalicelib.replication.overview import EVENTS_LOOKED_AT, overview

    log = MongoRegionLog(operations)
    waiting = {region: log.waiting(region) for region in settings.replication.others}
    return overview(settings.region, roles.roles(), log.applied(EVENTS_LOOKED_AT), waiting, clock())
