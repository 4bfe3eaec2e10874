"""Builds what knows whose home is where, and what moves players."""

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.arena.emission import Share
    from chalicelib.arena.homes import HomesOf
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


def deciding(settings: "Settings") -> "HomesOf | None":
    """Who decides for whom, by the roles a decision has read; None where there is one region only."""
    if not settings.replication.is_on:
        return None
    from chalicelib.replication.regions import homes_of, roles_of

    region, regions = settings.region, settings.replication.regions
    return lambda documents: homes_of(region, roles_of(regions, documents))


def moves(settings: "Settings", store: "MongoStore", clock: "Clock", stripe: int) -> "Moves":
    from chalicelib.arena.homes import alone
    from chalicelib.data.moves import MongoMoves
    from chalicelib.replication.moves import Moves

    homes = deciding(settings) or (lambda _: alone(settings.region))
    return Moves(MongoMoves(store), clock, homes, stripe=stripe)


def regions_seen(settings: "Settings", operations: "Operations", roles: "KnownRoles", clock: "Clock") -> list[Any]:
    """The regions as this one sees them, as JSON. Raises ``Unavailable``."""
    from chalicelib.data.region_log import MongoRegionLog
    from chalicelib.replication.overview import EVENTS_LOOKED_AT, overview

    log = MongoRegionLog(operations)
    waiting = {region: log.waiting(region) for region in settings.replication.others}
    return overview(settings.region, roles.roles(), log.applied(EVENTS_LOOKED_AT), waiting, clock())
