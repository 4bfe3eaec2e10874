"""Builds what knows whose home is where, and what moves players."""

import time
from typing import TYPE_CHECKING

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
