"""Builds what carries out a failover from here, and what does this region's part in another's."""

import time
from functools import cached_property
from typing import TYPE_CHECKING, Final

from chalicelib.observability import correlation_id

if TYPE_CHECKING:
    from chalicelib.data.region_hands import MongoRegionHand
    from chalicelib.messaging.home_region import HomeRegionApi
    from chalicelib.messaging.region_api import RegionApi
    from chalicelib.replication.draining import RegionHand
    from chalicelib.replication.failover_desk import Each, FailoverDesk
    from chalicelib.replication.hands import Handing
    from chalicelib.wiring.services import Arena

HAND_SECONDS: Final = 5.0
"""For another region's answer, which may have to start an environment first."""


def region_api(arena: "Arena", region: str, api: "HomeRegionApi") -> "RegionApi":
    """``region``, asked in this one's name."""
    from bson import ObjectId

    from chalicelib.messaging.region_api import RegionApi

    return RegionApi(
        region,
        lambda: arena.region_roles.roles()[region].url,
        api,
        own_region=arena.settings.region,
        keyring=arena.keyring,
        clock=arena.clock,
        new_id=ObjectId,
        correlation=correlation_id,
    )


class Failover:
    """One environment's. Only where there are several regions."""

    def __init__(self, arena: "Arena", *, each: "Each | None" = None) -> None:
        """``each`` asks the regions who they are; all together by default."""
        self._arena = arena
        self._each = each
        self._settings = arena.settings.replication

    @cached_property
    def hand(self) -> "MongoRegionHand":
        """On this region's database."""
        from chalicelib.data.region_hands import MongoRegionHand
        from chalicelib.wiring.replication import silent_store

        arena = self._arena
        return MongoRegionHand(arena.operations, silent_store(arena), arena.clock, name=self._settings.region)

    @cached_property
    def handing(self) -> "Handing":
        from chalicelib.data.extended_json import from_json, to_json
        from chalicelib.replication.hands import Handing

        return Handing(
            self.hand,
            self._arena.keyring,
            sources=self._settings.others,
            regions=self._settings.regions,
            clock=self._arena.clock,
            to_json=to_json,
            from_json=from_json,
        )

    @cached_property
    def api(self) -> "HomeRegionApi":
        from chalicelib.messaging.home_region import HomeRegionApi

        return HomeRegionApi(HAND_SECONDS)

    def desk(self) -> "FailoverDesk":
        """For one request, which begins now."""
        from chalicelib.data.catch_ups import MongoCatchUps
        from chalicelib.replication.failover_desk import FailoverDesk, together

        arena = self._arena
        hands = {region: self._hand_of(region) for region in self._settings.regions}
        memory = MongoCatchUps(arena.operations)
        return FailoverDesk(
            self._settings.regions,
            hands,
            memory,
            arena.clock,
            monotonic=time.monotonic,
            sleep=time.sleep,
            each=self._each or together,
        )

    def _hand_of(self, region: str) -> "RegionHand":
        if region == self._settings.region:
            return self.hand
        from chalicelib.data.extended_json import from_json, to_json
        from chalicelib.messaging.hand import HttpHand

        return HttpHand(region_api(self._arena, region, self.api), to_json=to_json, from_json=from_json)
