"""Every client and service of one execution environment, each built when first used."""

from functools import cached_property
from typing import TYPE_CHECKING, Final

from chalicelib.clock import Clock, system_clock
from chalicelib.monitoring.readiness import Dependency, Readiness, check_all
from chalicelib.settings import Settings
from chalicelib.wiring import cache, caching, homes, leaderboards, limits, live, locks, metrics, queues, scaling
from chalicelib.wiring.leaderboards import BestEffort
from chalicelib.wiring.operating import Operating

if TYPE_CHECKING:
    from chalicelib.arena.battle_queue import BattleQueue
    from chalicelib.arena.battle_service import BattleListener, BattleService
    from chalicelib.arena.battle_worker import BattleWorker
    from chalicelib.arena.broker_service import BrokerService
    from chalicelib.arena.catalogue_service import CatalogueService
    from chalicelib.arena.economy_service import EconomyService
    from chalicelib.arena.follow_up_service import FollowUpService
    from chalicelib.arena.guild_service import GuildService
    from chalicelib.arena.history_service import HistoryService
    from chalicelib.arena.homes import Homes
    from chalicelib.arena.leaderboard_service import LeaderboardService
    from chalicelib.arena.leaderboard_upkeep import LeaderboardUpkeep
    from chalicelib.arena.live_boards import LiveBoards
    from chalicelib.arena.live_push import LivePush
    from chalicelib.arena.live_service import LiveService
    from chalicelib.arena.operator_services import OperatorServices
    from chalicelib.arena.ports import PlayerQueries
    from chalicelib.arena.rate_limits import RateLimits
    from chalicelib.arena.season_archive import SeasonArchive
    from chalicelib.arena.sign_in import SignIn
    from chalicelib.cache.cached_standings import AnnouncedArchive
    from chalicelib.cache.door import RedisDoor
    from chalicelib.cache.leaderboard import RedisBoards
    from chalicelib.cache.warming import CacheWarming, NoWarming
    from chalicelib.data.connections import MongoConnections
    from chalicelib.data.guilds import MongoGuilds
    from chalicelib.data.operations import Operations
    from chalicelib.data.pools import Pools
    from chalicelib.data.store import MongoStore
    from chalicelib.locks import Locks
    from chalicelib.messaging.connections_api import ManagementApi
    from chalicelib.messaging.home_region import HomeRegionApi
    from chalicelib.messaging.live_queue import SqsLiveQueue
    from chalicelib.messaging.sqs import SqsClient
    from chalicelib.monitoring.aggregation import MetricsAggregation
    from chalicelib.monitoring.meters import Meters
    from chalicelib.monitoring.reports import SharedMetrics
    from chalicelib.replication.moves import Moves
    from chalicelib.replication.regions import KnownRoles
    from chalicelib.replication.signing import Keyring
    from chalicelib.scaling.controller import Controller
    from chalicelib.wiring.replication import Replication
    from chalicelib.wiring.verification import Verification

DATABASE_BUDGET_SECONDS: Final = 4.0
"""Below the API function's timeout, so that a player gets 503 with Retry-After and never a gateway time-out."""


class Arena:
    """Everything one environment needs, each part built when first used."""

    ping_budget_seconds: float = 1.0

    def __init__(self, settings: Settings, *, clock: Clock = system_clock) -> None:
        self.settings = settings
        self.clock = clock

    @cached_property
    def pools(self) -> "Pools":
        from chalicelib.wiring.database import pools

        return pools(self.settings, self.meters.registry)

    @cached_property
    def operations(self) -> "Operations":
        from chalicelib.data.operations import Operations

        return Operations(self.pools, self.settings.mongo_database, budget_seconds=DATABASE_BUDGET_SECONDS)

    @cached_property
    def store(self) -> "MongoStore":
        from chalicelib.data.store import MongoStore
        from chalicelib.data.transactions import Transactions

        transactions = Transactions(self.pools, budget_seconds=DATABASE_BUDGET_SECONDS)
        told, watch = self.replication, self.caching.invalidation
        if told is None:
            return MongoStore(self.operations, transactions, watch)
        return MongoStore(self.operations, transactions, told.watch(watch), told.recorder)

    @cached_property
    def replication(self) -> "Replication | None":
        """None where there is one region only."""
        from chalicelib.wiring.replication import Replication

        return Replication(self) if self.settings.replication.is_on else None

    @cached_property
    def verification(self) -> "Verification | None":
        """None where there is one region only."""
        from chalicelib.wiring.verification import Verification

        return Verification(self) if self.settings.replication.is_on else None

    @cached_property
    def players(self) -> "PlayerQueries":
        from chalicelib.data.players import MongoPlayers

        return MongoPlayers(self.operations, self.store)

    @cached_property
    def stripe(self) -> int:
        """The day-counter stripe this environment prefers."""
        from chalicelib.arena.stripe_choice import any_stripe

        return any_stripe()

    @cached_property
    def battles(self) -> "BattleService":
        from chalicelib.arena.battle_service import BattleService

        return BattleService(
            self.store,
            self.clock,
            secret=self.settings.battle_seed_secret,
            stripe=self.stripe,
            listeners=[BestEffort(listener) for listener in self.battle_listeners],
            homes=homes.deciding(self.settings),
            share=homes.share(self.settings),
        )

    @property
    def battle_listeners(self) -> "list[BattleListener]":
        boards = [] if self.boards is None else [self.boards]
        return [*boards, metrics.battles(self.meters.registry)]

    @cached_property
    def caching(self) -> caching.Caching:
        settings, meter = self.settings, self.meters.registry
        return caching.Caching(self.redis, settings.mongo_database, lambda: self.operations, self.clock, meter)

    @cached_property
    def cache_warming(self) -> "CacheWarming | NoWarming":
        return self.caching.warming(self.guild_documents, self.boards)

    @cached_property
    def sqs(self) -> "SqsClient":
        from chalicelib.messaging.sqs import SqsClient

        return SqsClient(self.settings.region)

    @cached_property
    def live_queue(self) -> "SqsLiveQueue | None":
        return queues.live_queue(self.settings, self.sqs, self.clock)

    @cached_property
    def battle_queue(self) -> "BattleQueue":
        return queues.battle_queue(self.settings, self.operations, self.sqs, self.clock)

    @cached_property
    def battle_worker(self) -> "BattleWorker":
        return queues.battle_worker(self.settings, self.operations, self.battles, self.clock, DATABASE_BUDGET_SECONDS)

    @cached_property
    def boards(self) -> "RedisBoards | None":
        return leaderboards.boards(self.redis, self.settings.mongo_database, self.live_queue, self.caching.note)

    @cached_property
    def leaderboards(self) -> "LeaderboardService":
        return self.caching.leaderboards(self.boards, self.caching.reads)

    @cached_property
    def leaderboard_upkeep(self) -> "LeaderboardUpkeep":
        door, database = self.patient_redis, self.settings.mongo_database
        return leaderboards.upkeep(door, database, self.operations, self.clock, self.live_queue)

    @cached_property
    def season_archive(self) -> "SeasonArchive | AnnouncedArchive":
        return self.caching.archive(leaderboards.archive(self.operations, self.clock))

    @cached_property
    def guild_documents(self) -> "MongoGuilds":
        from chalicelib.data.guilds import MongoGuilds

        return MongoGuilds(self.store, self.operations)

    @cached_property
    def guilds(self) -> "GuildService":
        from chalicelib.arena.guild_service import GuildService

        stored = self.guild_documents
        return GuildService(stored, self.caching.guilds(stored), self.leaderboards, self.clock)

    @cached_property
    def brokers(self) -> "BrokerService":
        from chalicelib.arena.broker_service import BrokerService

        return BrokerService(
            self.store,
            self.players,
            self.clock,
            stripe=self.stripe,
            public_base_url=self.settings.public_base_url,
            homes=homes.deciding(self.settings),
        )

    @cached_property
    def economy(self) -> "EconomyService":
        from chalicelib.arena.economy_service import EconomyService

        return EconomyService(self.players, self.clock)

    @cached_property
    def history(self) -> "HistoryService":
        from chalicelib.arena.cursors import Cursors
        from chalicelib.arena.history_service import HistoryService
        from chalicelib.data.history import MongoHistory

        return HistoryService(MongoHistory(self.operations), Cursors(self.settings.battle_seed_secret))

    @cached_property
    def catalogue(self) -> "CatalogueService":
        from chalicelib.arena.catalogue_service import CatalogueService

        return CatalogueService(self.caching.catalogue(self.caching.reads), self.clock)

    @cached_property
    def sign_in(self) -> "SignIn":
        from chalicelib.arena.sign_in import SignIn

        return SignIn(self.settings, self.players, self.clock)

    @cached_property
    def follow_ups(self) -> "FollowUpService":
        from chalicelib.arena.follow_up_service import FollowUpService
        from chalicelib.data.follow_ups import MongoFollowUps

        return FollowUpService(MongoFollowUps(self.store), self.clock)

    @cached_property
    def operators(self) -> "OperatorServices":
        from chalicelib.arena.operator_services import OperatorServices
        from chalicelib.data.operators import MongoOperators, MongoSignInTries

        stored = MongoOperators(self.store, self.operations)
        return OperatorServices(self.settings.operator, MongoSignInTries(self.operations), stored, stored, self.clock)

    def homes(self) -> "Homes | None":
        """Who decides for whom now; None where there is one region only. Raises ``Unavailable``."""
        return self.region_roles.homes() if self.settings.replication.is_on else None

    @cached_property
    def keyring(self) -> "Keyring":
        """The regions' keys. Only where there are several."""
        from chalicelib.wiring.replication import keyring

        return keyring(self.settings)

    @cached_property
    def region_roles(self) -> "KnownRoles":
        return homes.region_roles(self.settings, self.operations)

    @cached_property
    def moves(self) -> "Moves":
        return homes.moves(self.settings, self.store, self.clock, self.stripe)

    @cached_property
    def home_api(self) -> "HomeRegionApi":
        from chalicelib.messaging.home_region import HomeRegionApi

        return HomeRegionApi()

    @cached_property
    def connections(self) -> "MongoConnections":
        from chalicelib.data.connections import MongoConnections

        return MongoConnections(self.operations)

    @cached_property
    def connections_api(self) -> "ManagementApi":
        return live.connections_api(self.settings)

    @cached_property
    def live_boards(self) -> "LiveBoards":
        return live.boards(self.leaderboards, self.operations, self.clock)

    @cached_property
    def live(self) -> "LiveService":
        return live.service(self.settings, self.connections, self.live_boards, self.connections_api, self.clock)

    @cached_property
    def live_push(self) -> "LivePush":
        held, outcomes, boards = self.connections, self.battle_queue, self.live_boards
        return live.push(held, outcomes, boards, self.connections_api, self.live_queue, self.clock)

    @cached_property
    def redis(self) -> "RedisDoor | None":
        return cache.door(self.settings, "quick", self.meters.cache)

    @cached_property
    def patient_redis(self) -> "RedisDoor | None":
        return cache.door(self.settings, "patient", self.meters.cache)

    @cached_property
    def meters(self) -> "Meters":
        return metrics.meters(lambda: self.shared_metrics, self.clock)

    @cached_property
    def shared_metrics(self) -> "SharedMetrics":
        settings, redis, patient = self.settings, self.redis, self.patient_redis
        return metrics.shared(settings.mongo_database, lambda: self.operations, redis, patient)

    @cached_property
    def metrics_aggregation(self) -> "MetricsAggregation":
        return metrics.aggregation(self)

    @cached_property
    def operating(self) -> Operating:
        return Operating(self)

    @cached_property
    def locks(self) -> "Locks":
        return locks.locks(self.settings.mongo_database, self.operations, self.redis, self.clock)

    @cached_property
    def scaling(self) -> "Controller":
        return scaling.controller(self)

    @cached_property
    def rate_limits(self) -> "RateLimits | None":
        return limits.rate_limits(self.settings, self.redis, self.clock)

    def readiness(self) -> Readiness:
        """Asks MongoDB and, where configured, Redis."""
        return check_all(
            {
                "mongodb": Dependency(lambda: self.pools.ping(self.ping_budget_seconds), required=True),
                "redis": Dependency(None if self.redis is None else self.redis.ping, required=False),
            }
        )

    def close(self) -> None:
        """Gives every connection back."""
        for part in ("meters", "pools", "redis", "patient_redis"):
            client = self.__dict__.get(part)
            if client is not None:
                client.close()
