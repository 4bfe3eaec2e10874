"""One player's documents outside transactions; reads see the player's own writes (primary pool)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Account, Document
from chalicelib.arena.ports import Update as Change
from chalicelib.data import queries
from chalicelib.data.operations import Create, Operations, Update, UpdateReturning


class MongoPlayers:
    """``ports.PlayerQueries`` on MongoDB."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def upsert_player(self, telegram_id: str, profile: Mapping[str, Any], now: datetime) -> Document:
        current = {**profile, "lastSeenAt": now, "updatedAt": now}
        change = Change(
            "users",
            {"telegramId": telegram_id},
            # The filter's telegramId is written by the upsert itself; a field may stand in one operator only.
            {"$set": current, "$setOnInsert": new_player(now, without=current)},
            upsert=True,
        )
        player = self._operations.execute(UpdateReturning(change))
        assert player is not None, "an upsert always returns its document"  # noqa: S101
        return player

    def account(self, telegram_id: str) -> Account:
        (found,) = self._operations.execute(queries.account(telegram_id))
        return Account(
            player=found["user"][0] if found["user"] else None, config=found["config"][0] if found["config"] else {}
        )

    def brokers_of(self, telegram_id: str) -> list[Document]:
        return self._operations.execute(queries.brokers_of(telegram_id))

    def add_broker(self, broker: Mapping[str, Any]) -> None:
        self._operations.execute(Create("brokers", [broker]))

    def set_school(self, telegram_id: str, school_id: str | None, now: datetime) -> None:
        school = None if school_id is None else ObjectId(school_id)
        self._operations.execute(
            Update([Change("users", {"telegramId": telegram_id}, {"$set": {"schoolId": school, "updatedAt": now}})])
        )
