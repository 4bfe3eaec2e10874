"""Builds what compares this region with the others."""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.data.region_books import MongoRegionBooks
    from chalicelib.messaging.neighbour import HttpNeighbour
    from chalicelib.replication.asking import Answering
    from chalicelib.replication.patrol import Patrolling
    from chalicelib.wiring.services import Arena


class Verification:
    """One environment's part in it."""

    def __init__(self, arena: "Arena") -> None:
        self._arena = arena
        self._settings = arena.settings.replication

    @cached_property
    def books(self) -> "MongoRegionBooks":
        from chalicelib.data.region_books import MongoRegionBooks

        arena = self._arena
        return MongoRegionBooks(arena.operations, arena.store, arena.clock, region=self._settings.region)

    @cached_property
    def answering(self) -> "Answering":
        from chalicelib.data.extended_json import from_json, to_json
        from chalicelib.replication.asking import Answering

        arena = self._arena
        return Answering(
            self.books, arena.keyring, self._settings.others, arena.clock, to_json=to_json, from_json=from_json
        )

    @cached_property
    def patrol(self) -> "Patrolling":
        from chalicelib.data.patrol import MongoPatrolMemory
        from chalicelib.replication.patrol import Patrolling

        neighbours = [self._neighbour(region) for region in self._settings.others]
        return Patrolling(self.books, neighbours, MongoPatrolMemory(self._arena.operations), self._arena.clock)

    def _neighbour(self, region: str) -> "HttpNeighbour":
        from chalicelib.data.extended_json import from_json, to_json
        from chalicelib.messaging.neighbour import HttpNeighbour
        from chalicelib.wiring.failover import region_api

        api = region_api(self._arena, region, self._arena.home_api)
        return HttpNeighbour(api, to_json=to_json, from_json=from_json)
