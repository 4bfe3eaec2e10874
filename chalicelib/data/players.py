"""One player's documents; reads see the player's own writes (primary pool)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Account, Document, Insert, Outcome, Write
from chalicelib.arena.ports import Update as Change
from chalicelib.data import queries
from chalicelib.data.operations import Operations, UpdateReturning
from chalicelib.data.store import MongoStore


class MongoPlayers:
    """``ports.PlayerQueries`` on MongoDB."""

    def __init__(self, operations: Operations, store: MongoStore) -> None:
        self._operations = operations
        self._store = store

    def upsert_player(self, telegram_id: str, profile: Mapping[str, Any], now: datetime) -> Document:
        seen = {"lastSeenAt": now, "updatedAt": now}
        # The filter's telegramId is written by the upsert itself; a field may stand in one operator only.
        change = {"$set": seen, "$setOnInsert": new_player(now, without=seen)}
        player = self._operations.execute(
            UpdateReturning(Change("users", {"telegramId": telegram_id}, change, upsert=True))
        )
        assert player is not None, "an upsert always returns its document"  # noqa: S101
        if any(name not in player or player[name] != value for name, value in profile.items()):
            self._write(Change("users", {"telegramId": telegram_id}, {"$set": dict(profile)}))
        return {**player, **profile}

    def player(self, telegram_id: str) -> Document | None:
        return self._operations.execute(queries.player(telegram_id))

    def account(self, telegram_id: str) -> Account:
        (found,) = self._operations.execute(queries.account(telegram_id))
        return Account(
            player=found["user"][0] if found["user"] else None, config=found["config"][0] if found["config"] else {}
        )

    def brokers_of(self, telegram_id: str) -> list[Document]:
        return self._operations.execute(queries.brokers_of(telegram_id))

    def add_broker(self, broker: Mapping[str, Any]) -> None:
        self._write(Insert("brokers", (broker,)))

    def set_school(self, telegram_id: str, school_id: str | None, now: datetime) -> None:
        school = None if school_id is None else ObjectId(school_id)
        self._write(Change("users", {"telegramId": telegram_id}, {"$set": {"schoolId": school, "updatedAt": now}}))

    def _write(self, write: Write) -> None:
        self._store.transact(lambda _: Outcome(None, (write,)))
