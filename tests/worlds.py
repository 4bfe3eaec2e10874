"""A small arena to test against, on either store: the same documents, the same services."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from chalicelib.arena.battle_queue_ports import BattleJobs
from chalicelib.arena.battle_service import BattleCommand, BattleListener, BattleService
from chalicelib.arena.broker_service import BrokerService
from chalicelib.arena.brokers import new_broker
from chalicelib.arena.catalogue_service import CatalogueService
from chalicelib.arena.economy_admin import EconomyAdmin
from chalicelib.arena.economy_service import EconomyService
from chalicelib.arena.follow_up_ports import FollowUpStore
from chalicelib.arena.follow_up_service import BATCH_EVENTS, FollowUpService
from chalicelib.arena.game_mode_admin import GameModeAdmin
from chalicelib.arena.guild_ports import GuildQueries, GuildStore
from chalicelib.arena.guild_service import GuildService
from chalicelib.arena.history_ports import HistoryQueries
from chalicelib.arena.homes import HomesOf
from chalicelib.arena.leaderboard_ports import Ranks, StandingsQueries
from chalicelib.arena.leaderboard_service import LeaderboardService
from chalicelib.arena.modes import DEFAULT_MODES
from chalicelib.arena.operator_ports import OperatorQueries, OperatorStore, SignInTries
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import CatalogueQueries, Document, Insert, PlayerQueries, Recorder, Store, Update
from chalicelib.clock import ManualClock
from chalicelib.data.battle_jobs import MongoBattleJobs
from chalicelib.data.catalogue import MongoCatalogue
from chalicelib.data.fences import MongoFences
from chalicelib.data.follow_ups import MongoFollowUps
from chalicelib.data.guilds import MongoGuilds
from chalicelib.data.history import MongoHistory
from chalicelib.data.indexes import INDEXES, ensure_indexes
from chalicelib.data.leaderboards import MongoStandings
from chalicelib.data.operations import Operations
from chalicelib.data.operations import Update as UpdateAll
from chalicelib.data.operators import MongoOperators, MongoSignInTries
from chalicelib.data.outbox import MongoOutbox
from chalicelib.data.players import MongoPlayers
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.data.scaling import MongoScaling
from chalicelib.data.seed import seed_defaults
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.locks import Fences
from chalicelib.replication.outbox_ports import Outbox
from chalicelib.scaling.ports import ScalingStore
from tests.databases import is_indexed
from tests.fakes.memory_battle_jobs import MemoryBattleJobs
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_fences import MemoryFences
from tests.fakes.memory_guilds import MemoryGuilds
from tests.fakes.memory_history import MemoryHistory
from tests.fakes.memory_leaderboards import MemoryStandings
from tests.fakes.memory_operators import MemoryFollowUps, MemoryOperators, MemorySignInTries
from tests.fakes.memory_outbox import MemoryOutbox
from tests.fakes.memory_scaling import MemoryScaling
from tests.fakes.memory_store import MemoryCatalogue, MemoryPlayers, MemoryStore

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SECRET = "a-battle-seed-secret-of-tests-only"
COLLECTIONS = ("economyconfigs", *sorted({index.collection for index in INDEXES}))


@dataclass(frozen=True, kw_only=True)
class World:
    """The ports of one store, and hands to put documents in and look at them."""

    store: Store
    players: PlayerQueries
    catalogue: CatalogueQueries
    standings: StandingsQueries
    history: HistoryQueries
    operator_store: OperatorStore
    operator_queries: OperatorQueries
    sign_in_tries: SignInTries
    follow_up_store: FollowUpStore
    battle_jobs: BattleJobs
    guild_store: GuildStore
    guild_queries: GuildQueries
    fences: Fences
    outbox: Outbox
    scaling: ScalingStore
    clock: ManualClock
    insert: Callable[[str, Document], None]
    write: Callable[[Update], None]
    read: Callable[[str], list[Document]]
    homes: HomesOf | None = None
    """Where there are several regions."""

    def battles(self, stripe: int = 0, *, listeners: Sequence[BattleListener] = ()) -> BattleService:
        return BattleService(
            self.store, self.clock, secret=SECRET, stripe=stripe, listeners=listeners, homes=self.homes
        )

    def brokers(self, stripe: int = 0) -> BrokerService:
        return BrokerService(
            self.store,
            self.players,
            self.clock,
            stripe=stripe,
            public_base_url="https://arena.example",
            homes=self.homes,
        )

    def economy(self) -> EconomyService:
        return EconomyService(self.players, self.clock)

    def leaderboards(self, ranks: Ranks | None = None) -> LeaderboardService:
        return LeaderboardService(self.standings, self.catalogue, self.clock, ranks=ranks)

    def guilds(self) -> GuildService:
        return GuildService(self.guild_store, self.guild_queries, self.leaderboards(), self.clock)

    def mode_admin(self) -> GameModeAdmin:
        return GameModeAdmin(self.operator_store, self.operator_queries, self.clock)

    def economy_admin(self) -> EconomyAdmin:
        return EconomyAdmin(self.operator_store, self.operator_queries, self.clock)

    def follow_ups(self, batch_events: int = BATCH_EVENTS) -> FollowUpService:
        return FollowUpService(self.follow_up_store, self.clock, batch_events=batch_events)

    def public(self) -> CatalogueService:
        return CatalogueService(self.catalogue, self.clock)

    def add(self, collection: str, **fields: Any) -> Document:
        """Stores a document of ``fields`` with an id and timestamps."""
        stamps = {"createdAt": self.clock(), "updatedAt": self.clock(), "__v": 0}
        document = {"_id": ObjectId(), **stamps, **fields}
        self.insert(collection, document)
        return document

    def add_player(self, telegram_id: str = "777", /, **fields: Any) -> Document:
        return self.add("users", telegramId=telegram_id, **{**new_player(self.clock()), **fields})

    def add_broker(self, telegram_id: str = "777", /, **fields: Any) -> Document:
        return self.add("brokers", **{**new_broker(telegram_id, self.clock()), **fields})

    def add_guild(self, owner: str, members: tuple[str, ...] = (), /, **fields: Any) -> Document:
        people = [{"telegramId": who, "role": "member", "joinedAt": self.clock()} for who in (owner, *members)]
        standard = {
            "name": str(ObjectId()),
            "ownerTelegramId": owner,
            "members": people,
            "active": True,
            "vaultNeur": 0,
        }
        return self.add("guilds", **{**standard, **fields})

    def configure(self, **settings: Any) -> None:
        """Changes the economy's settings."""
        (config,) = self.read("economyconfigs")
        self.write(Update("economyconfigs", {"_id": config["_id"]}, {"$set": settings}))

    def credit(self, telegram_id: str, balance: str, amount: int) -> None:
        """Changes a balance behind the ledger's back, where a test only needs the money."""
        self.write(Update("users", {"telegramId": telegram_id}, {"$inc": {balance: amount}}))

    def one(self, collection: str, **where: Any) -> Document:
        """The only document whose fields equal ``where``."""
        (found,) = self.all(collection, **where)
        return found

    def all(self, collection: str, **where: Any) -> list[Document]:
        return [
            document
            for document in self.read(collection)
            if all(document.get(name) == value for name, value in where.items())
        ]

    def everything(self) -> dict[str, list[Document]]:
        """The whole content, to show that nothing changed."""
        return {name: sorted(self.read(name), key=lambda d: str(d["_id"])) for name in COLLECTIONS}

    def command(self, broker: Mapping[str, Any], request_id: str = "request-1", **fields: Any) -> BattleCommand:
        who = fields.pop("telegram_id", "777")
        return BattleCommand(telegram_id=who, request_id=request_id, broker_id=str(broker["_id"]), **fields)


def memory_world(recorder: Recorder | None = None) -> World:
    """A seeded arena in memory. With a ``recorder`` its services tell other regions what they do."""
    database = MemoryDatabase()
    clock = ManualClock(NOON)

    def insert(collection: str, document: Document) -> None:
        database.commit([Insert(collection, (document,))])

    store = MemoryStore(database, recorder)
    operators = MemoryOperators(store, database)
    guilds = MemoryGuilds(store, database)
    world = World(
        store=store,
        players=MemoryPlayers(database, store),
        catalogue=MemoryCatalogue(database),
        standings=MemoryStandings(database),
        history=MemoryHistory(database),
        operator_store=operators,
        operator_queries=operators,
        sign_in_tries=MemorySignInTries(database),
        follow_up_store=MemoryFollowUps(store),
        battle_jobs=MemoryBattleJobs(database),
        guild_store=guilds,
        guild_queries=guilds,
        fences=MemoryFences(database, clock),
        outbox=MemoryOutbox(database),
        scaling=MemoryScaling(database),
        clock=clock,
        insert=insert,
        write=lambda update: database.commit([update]),
        read=lambda collection: database.now().find(collection),
    )
    for mode in DEFAULT_MODES:
        world.add("gamemodes", **mode)
    world.add("economyconfigs")
    return world


def mongo_world(
    database: Database[Document],
    uri: str,
    *,
    pools: Pools | None = None,
    budget_seconds: float = 20.0,
    recorder: Recorder | None = None,
    seeded: bool = True,
) -> tuple[World, Pools]:
    """A seeded arena on ``database`` (reached through ``uri`` by the services), and its pools, to be closed.

    Not ``seeded``: the database is taken as it is.
    """
    clock = ManualClock(NOON)
    if seeded:
        if not is_indexed(database):
            ensure_indexes(database)
        seed_defaults(database, clock())
    pools = pools or Pools(uri, without_secondaries(GUIDE_POOLS))
    operations = Operations(pools, database.name, budget_seconds=budget_seconds)

    def insert(collection: str, document: Document) -> None:
        database[collection].insert_one(dict(document))

    def write(update: Update) -> None:
        assert operations.execute(UpdateAll([update])) == 1

    store = MongoStore(operations, Transactions(pools, budget_seconds=budget_seconds), recorder=recorder)
    operators = MongoOperators(store, operations)
    guilds = MongoGuilds(store, operations)
    return World(
        store=store,
        players=MongoPlayers(operations, store),
        catalogue=MongoCatalogue(operations),
        standings=MongoStandings(operations),
        history=MongoHistory(operations),
        operator_store=operators,
        operator_queries=operators,
        sign_in_tries=MongoSignInTries(operations),
        follow_up_store=MongoFollowUps(store),
        battle_jobs=MongoBattleJobs(operations),
        guild_store=guilds,
        guild_queries=guilds,
        fences=MongoFences(operations, clock),
        outbox=MongoOutbox(operations),
        scaling=MongoScaling(operations),
        clock=clock,
        insert=insert,
        write=write,
        read=lambda collection: list(database[collection].find()),
    ), pools
