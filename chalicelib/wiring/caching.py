"""Builds what is read through the cache; without Redis, what reads the database."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.monitoring.families import CACHE_LOOKUPS
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.arena.battle import BattleResult
    from chalicelib.arena.guild_ports import GuildQueries
    from chalicelib.arena.leaderboard_ports import Ranks
    from chalicelib.arena.leaderboard_service import LeaderboardService
    from chalicelib.arena.ports import CatalogueQueries
    from chalicelib.arena.season_archive import SeasonArchive
    from chalicelib.cache.cached_pages import RecentFighters
    from chalicelib.cache.cached_standings import AnnouncedArchive
    from chalicelib.cache.door import Command, RedisDoor
    from chalicelib.cache.invalidation import Invalidation
    from chalicelib.cache.read_through import ReadThrough
    from chalicelib.cache.warming import CacheWarming, NoWarming, WarmReaders
    from chalicelib.clock import Clock
    from chalicelib.data.operations import Operations
    from chalicelib.monitoring.ports import Meter


class Caching:
    """The caches of one environment. ``operations`` gives the database when it is first needed."""

    def __init__(
        self,
        door: "RedisDoor | None",
        database: str,
        operations: "Callable[[], Operations]",
        clock: "Clock",
        meter: "Meter",
    ) -> None:
        self._door = door
        self._database = database
        self._operations = operations
        self._clock = clock
        self._meter = meter

    @cached_property
    def reads(self) -> "ReadThrough | None":
        if self._door is None:
            return None
        from chalicelib.cache.read_through import ReadThrough
        from chalicelib.cache.stored_values import StoredValues
        from chalicelib.data.cache_epochs import MongoCacheEpochs

        return ReadThrough(
            StoredValues(self._door, self._database),
            MongoCacheEpochs(self._operations()),
            self._clock,
            observer=lambda cache, result: self._meter.count(CACHE_LOOKUPS, cache=cache, result=result),
        )

    @cached_property
    def invalidation(self) -> "Invalidation | None":
        if self._door is None:
            return None
        from chalicelib.cache.invalidation import Invalidation
        from chalicelib.cache.stored_values import StoredValues
        from chalicelib.data.cache_epochs import MongoCacheEpochs

        return Invalidation(
            StoredValues(self._door, self._database),
            MongoCacheEpochs(self._operations()),
            failed=lambda entity, error: logger().warning(
                "cached values not dropped", entity=entity, fault=type(error).__name__
            ),
        )

    def catalogue(self, reads: "ReadThrough | None") -> "CatalogueQueries":
        from chalicelib.data.catalogue import MongoCatalogue

        # The primary's: what a lagging secondary says would stay in the cache after the change it has not heard of.
        catalogue = MongoCatalogue(self._operations(), pool="primary")
        if reads is None:
            return catalogue
        from chalicelib.cache.cached_catalogue import CachedCatalogue

        return CachedCatalogue(catalogue, reads)

    def guilds(self, guilds: "GuildQueries") -> "GuildQueries":
        if self.reads is None:
            return guilds
        from chalicelib.cache.cached_guilds import CachedGuilds

        return CachedGuilds(guilds, self.reads)

    def leaderboards(self, ranks: "Ranks | None", reads: "ReadThrough | None") -> "LeaderboardService":
        from chalicelib.arena.leaderboard_service import LeaderboardService
        from chalicelib.data.leaderboards import MongoStandings

        standings, catalogue = MongoStandings(self._operations()), self.catalogue(reads)
        if reads is None:
            return LeaderboardService(standings, catalogue, self._clock, ranks=ranks)
        from chalicelib.cache.cached_pages import CachedPages
        from chalicelib.cache.cached_standings import CachedStandings

        cached = CachedStandings(standings, MongoStandings(self._operations(), pool="primary"), reads)
        pages = CachedPages(reads, self._database)
        return LeaderboardService(cached, catalogue, self._clock, ranks=ranks, pages=pages)

    def archive(self, archive: "SeasonArchive") -> "SeasonArchive | AnnouncedArchive":
        if self.invalidation is None:
            return archive
        from chalicelib.cache.cached_standings import AnnouncedArchive

        return AnnouncedArchive(archive, self.invalidation)

    def note(self, result: "BattleResult") -> "Command":
        """What tells the cache of a battle, where there is one."""
        return self._recent_fighters.note(result)

    @cached_property
    def _recent_fighters(self) -> "RecentFighters":
        from chalicelib.cache.cached_pages import RecentFighters

        return RecentFighters(self._database, self._clock)

    def warming(self, guilds: "GuildQueries", ranks: "Ranks | None") -> "CacheWarming | NoWarming":
        from chalicelib.cache.cached_guilds import CachedGuilds
        from chalicelib.cache.warming import CacheWarming, NoWarming, WarmReaders

        if self.reads is None:
            return NoWarming()

        def readers(reads: "ReadThrough") -> "WarmReaders":
            return WarmReaders(
                catalogue=self.catalogue(reads),
                guilds=CachedGuilds(guilds, reads),
                leaderboards=self.leaderboards(ranks, reads),
            )

        return CacheWarming(self.reads, readers)
