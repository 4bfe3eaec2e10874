"""Guilds' ports in memory; they run the same contract suite as the Mongo ones."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bson import ObjectId

from chalicelib.arena.guild_ports import GuildPool, GuildSnapshot
from chalicelib.arena.ports import Document, Outcome
from tests.fakes.memory_database import MemoryDatabase, Moment
from tests.fakes.memory_store import MemoryStore

T = TypeVar("T")

_LIVING = {"deletedAt": None}


class MemoryGuildSnapshot:
    """``GuildSnapshot`` on one moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def guild(self, guild_id: str) -> Document | None:
        return _first(self._moment.find("guilds", {"_id": ObjectId(guild_id)}))

    def guild_named(self, name: str) -> Document | None:
        return _first(self._moment.find("guilds", {"name": name}))

    def broker(self, broker_id: str) -> Document | None:
        return _first(self._moment.find("brokers", {"_id": ObjectId(broker_id), **_LIVING}))

    def pool(self, guild_id: Any) -> Sequence[Document]:
        return self._moment.find("brokers", {"guildId": guild_id, **_LIVING})

    def economy_config(self) -> Document:
        return _first(self._moment.find("economyconfigs")) or {}


class MemoryGuilds:
    """``GuildStore`` and ``GuildQueries``."""

    def __init__(self, store: MemoryStore, database: MemoryDatabase) -> None:
        self._store = store
        self._database = database

    def new_id(self) -> ObjectId:
        return self._store.new_id()

    def transact(self, work: Callable[[GuildSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MemoryGuildSnapshot, work)

    def ranked(self, limit: int) -> list[Document]:
        found = self._database.now().find("guilds", {"active": True})
        return sorted(found, key=lambda guild: (guild.get("boostCount") or 0, *_age(guild)), reverse=True)[:limit]

    def of_member(self, telegram_id: str, limit: int) -> list[Document]:
        found = self._database.now().find("guilds", {"active": True})
        theirs = (guild for guild in found if telegram_id in [member["telegramId"] for member in guild["members"]])
        return sorted(theirs, key=_age, reverse=True)[:limit]

    def with_pool(self, guild_id: str) -> GuildPool | None:
        snapshot = MemoryGuildSnapshot(self._database.now())
        guild = snapshot.guild(guild_id)
        return None if guild is None else GuildPool(guild, snapshot.pool(guild["_id"]))


def _age(guild: Document) -> tuple[Any, ObjectId]:
    return guild["createdAt"], guild["_id"]


def _first(found: list[Document]) -> Document | None:
    return next(iter(found), None)
