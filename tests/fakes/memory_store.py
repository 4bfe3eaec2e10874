"""The arena's ports in memory.

Behaves as the Mongo store does, proven by running the same contract suite: work runs again on a fresh
moment when a document it writes changed, a unique key was taken or a conditional write matches nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from bson import ObjectId

from chalicelib.arena.players import new_player
from chalicelib.arena.ports import (
    Account,
    ActionQuery,
    ActionView,
    BattleQuery,
    BattleView,
    Document,
    GuildRivalry,
    Insert,
    Membership,
    Outcome,
    Recorder,
    Referrer,
    Snapshot,
    Update,
    Write,
)
from chalicelib.errors import Conflict, Unavailable
from chalicelib.locks import Guard
from tests.fakes.memory_database import DuplicateError, MemoryDatabase, Moment, StaleError
from tests.fakes.memory_fences import counted, require

S = TypeVar("S")
T = TypeVar("T")

RACES_MAX = 64
_LIVING = {"deletedAt": None}


class MemorySnapshot:
    """``ports.Snapshot`` on one moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def battle(self, query: BattleQuery) -> BattleView:
        find = self._moment.find
        boosts = [b for b in find("boosts", {"telegramId": query.telegram_id}) if b["expiresAt"] > query.now]
        referrals = find("referrals", {"ownerTelegramId": query.telegram_id})
        return BattleView(
            user=_first(find("users", {"telegramId": query.telegram_id})),
            existing_battle=_first(find("battles", {"requestId": query.request_id})),
            broker=_first(find("brokers", {"_id": ObjectId(query.broker_id), **_LIVING})),
            mode=self._mode(query),
            config=_first(find("economyconfigs")) or {},
            boost=max(boosts, key=lambda boost: boost["expiresAt"], default=None),
            referral=_first(referral for referral in referrals if referral.get("active") is not False),
            stripe=_first(find("economydays", {"_id": query.stripe_id})),
            membership=self.membership(query.telegram_id) if query.with_guild else None,
            referrer=self._referrer(query.telegram_id),
            boss=max(find("globalbosses", {"status": "active"}), key=lambda boss: boss["createdAt"], default=None),
            roles=find("regions") if query.with_roles else (),
        )

    def _referrer(self, telegram_id: str) -> Referrer | None:
        use = _first(self._moment.find("referraluses", {"refereeTelegramId": telegram_id}))
        if use is None:
            return None
        return Referrer(use["referrerTelegramId"], _first(self._moment.find("referrals", {"code": use["code"]})) or {})

    def _mode(self, query: BattleQuery) -> Document | None:
        if query.mode_key is not None:
            return _first(self._moment.find("gamemodes", {"key": query.mode_key, **_LIVING}))
        wanted = {"enabled": True, "arena": query.arena, "league": query.league}
        return min(self._moment.find("gamemodes", wanted), key=lambda mode: str(mode["key"]), default=None)

    def membership(self, telegram_id: str) -> Membership | None:
        guild = _first(
            guild
            for guild in self._moment.find("guilds", {"active": True})
            if any(member["telegramId"] == telegram_id for member in guild["members"])
        )
        return None if guild is None else Membership(guild, self._rivalry(guild["_id"]))

    def _rivalry(self, guild_id: Any) -> GuildRivalry:
        others = [guild for guild in self._moment.find("guilds", {"active": True}) if guild["_id"] != guild_id]
        opponent = max(others, key=lambda guild: (guild["createdAt"], guild["_id"]), default=None)
        return GuildRivalry(opponent, self._pool(guild_id), 0 if opponent is None else self._pool(opponent["_id"]))

    def _pool(self, guild_id: Any) -> int:
        return len(self._moment.find("brokers", {"guildId": guild_id, **_LIVING}))

    def stripes(self, day: str) -> Sequence[Document]:
        return self._moment.find("economydays", {"day": day})

    def action(self, query: ActionQuery) -> ActionView:
        find = self._moment.find
        key = {"scope": query.scope, "requestId": query.request_id, "ownerTelegramId": query.telegram_id}
        found = {asked: find("brokers", {"_id": ObjectId(asked), **_LIVING}) for asked in query.broker_ids}
        pooled_in = [broker.get("guildId") for brokers in found.values() for broker in brokers]
        return ActionView(
            user=_first(find("users", {"telegramId": query.telegram_id})),
            finished=_first(find("actionrunkeys", {**key, "status": "completed"})),
            brokers={asked: brokers[0] for asked, brokers in found.items() if brokers},
            guilds={guild["_id"]: guild for guild in find("guilds") if query.with_guilds and guild["_id"] in pooled_in},
            config=_first(find("economyconfigs")) or {},
            roles=find("regions") if query.with_roles else (),
        )


class MemoryStore:
    """``ports.Store``."""

    def __init__(
        self,
        database: MemoryDatabase,
        recorder: Recorder | None = None,
        new_id: Callable[[], ObjectId] = ObjectId,
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._new_id = new_id

    def new_id(self) -> ObjectId:
        return self._new_id()

    def transact(self, work: Callable[[Snapshot], Outcome[T]]) -> T:
        return self.transact_on(MemorySnapshot, work)

    def transact_on(
        self, snapshot: Callable[[Moment], S], work: Callable[[S], Outcome[T]], guard: Guard | None = None
    ) -> T:
        lost: Exception = StaleError()
        for _ in range(RACES_MAX):
            moment = self._database.now()
            outcome = work(snapshot(moment))
            writes = outcome.writes
            if self._recorder is not None and writes:
                writes = tuple(self._recorder.recorded(writes, partial(_named, moment)))
            if guard is not None and writes:
                writes = (*writes, counted(guard))
            try:
                self._database.commit(writes, seen=moment)
            except (StaleError, DuplicateError) as error:
                if guard is not None:
                    require(self._database, guard)
                lost = error
                continue
            return outcome.result
        if isinstance(lost, StaleError):
            raise Unavailable("busy") from lost
        raise Conflict("conflict") from lost


class MemoryPlayers:
    """``ports.PlayerQueries``."""

    def __init__(self, database: MemoryDatabase, store: MemoryStore) -> None:
        self._database = database
        self._store = store

    def upsert_player(self, telegram_id: str, profile: Mapping[str, Any], now: datetime) -> Document:
        seen = {"lastSeenAt": now, "updatedAt": now}
        where = {"telegramId": telegram_id}
        change = {"$set": seen, "$setOnInsert": new_player(now, without=seen)}
        self._database.commit([Update("users", where, change, upsert=True)])
        player = self._database.now().find("users", where)[0]
        if any(name not in player or player[name] != value for name, value in profile.items()):
            self._write(Update("users", where, {"$set": dict(profile)}))
        return {**player, **profile}

    def player(self, telegram_id: str) -> Document | None:
        return _first(self._database.now().find("users", {"telegramId": telegram_id}))

    def account(self, telegram_id: str) -> Account:
        moment = self._database.now()
        return Account(
            _first(moment.find("users", {"telegramId": telegram_id})), _first(moment.find("economyconfigs")) or {}
        )

    def brokers_of(self, telegram_id: str) -> list[Document]:
        found = self._database.now().find("brokers", {"ownerTelegramId": telegram_id, **_LIVING})
        return sorted(found, key=lambda broker: broker["createdAt"], reverse=True)

    def add_broker(self, broker: Mapping[str, Any]) -> None:
        self._write(Insert("brokers", (broker,)))

    def set_school(self, telegram_id: str, school_id: str | None, now: datetime) -> None:
        school = None if school_id is None else ObjectId(school_id)
        change = {"$set": {"schoolId": school, "updatedAt": now}}
        self._write(Update("users", {"telegramId": telegram_id}, change))

    def _write(self, write: Write) -> None:
        self._store.transact(lambda _: Outcome(None, (write,)))


class MemoryCatalogue:
    """``ports.CatalogueQueries``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def enabled_modes(self, arena: str | None, league: str | None) -> list[Document]:
        given = {name: value for name, value in (("arena", arena), ("league", league)) if value is not None}
        found = self._database.now().find("gamemodes", {"enabled": True, **given})
        return sorted(found, key=lambda mode: (mode["arena"], mode["league"], mode["key"]))

    def economy_config(self) -> Document:
        return _first(self._database.now().find("economyconfigs")) or {}

    def active_realms(self) -> list[Document]:
        found = self._database.now().find("realms", {"active": True})
        return sorted(found, key=lambda realm: (realm["level"], realm["order"]))

    def realm(self, key: str) -> Document | None:
        return _first(self._database.now().find("realms", {"key": key, "active": True}))


def _named(moment: Moment, collection: str, where: Mapping[str, Any]) -> Document | None:
    """``ports.Lookup``."""
    return _first(
        moment.find(collection, {name: where[name] for name in ("_id", "telegramId", "key") if name in where})
    )


def _first(found: Any) -> Document | None:
    return next(iter(found), None)
