"""Guilds' ports on MongoDB."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bson import ObjectId

from chalicelib.arena.guild_ports import GuildPool, GuildSnapshot
from chalicelib.arena.ports import Document, Outcome
from chalicelib.data import guild_queries, queries
from chalicelib.data.operations import Operations
from chalicelib.data.store import MongoReads, MongoStore

T = TypeVar("T")


class MongoGuildSnapshot(MongoReads):
    """``GuildSnapshot`` inside one transaction."""

    def guild(self, guild_id: str) -> Document | None:
        return self._saw("guilds", self._read(guild_queries.guild(guild_id)))

    def guild_named(self, name: str) -> Document | None:
        return self._read(guild_queries.guild_named(name))

    def broker(self, broker_id: str) -> Document | None:
        return self._saw("brokers", self._read(guild_queries.broker(broker_id)))

    def pool(self, guild_id: Any) -> Sequence[Document]:
        found = self._read(guild_queries.pool(guild_id))
        for broker in found:
            self._saw("brokers", broker)
        return found

    def economy_config(self) -> Document:
        return self._read(queries.economy_config()) or {}


class MongoGuilds:
    """``GuildStore`` on the arena's store, and ``GuildQueries`` on the primary pool."""

    def __init__(self, store: MongoStore, operations: Operations) -> None:
        self._store = store
        self._operations = operations

    def new_id(self) -> ObjectId:
        return self._store.new_id()

    def transact(self, work: Callable[[GuildSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MongoGuildSnapshot, work)

    def ranked(self, limit: int) -> list[Document]:
        return self._operations.execute(guild_queries.ranked(limit))

    def of_member(self, telegram_id: str, limit: int) -> list[Document]:
        return self._operations.execute(guild_queries.of_member(telegram_id, limit))

    def with_pool(self, guild_id: str) -> GuildPool | None:
        for guild in self._operations.execute(guild_queries.with_pool(guild_id)):
            return GuildPool(guild, guild.pop("brokers"))
        return None
