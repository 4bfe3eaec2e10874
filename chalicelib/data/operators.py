"""Operators' ports on MongoDB."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bson import ObjectId

from chalicelib.arena.moments import as_moment
from chalicelib.arena.operator_ports import OperatorSnapshot
from chalicelib.arena.ports import Document, Outcome
from chalicelib.arena.ports import Update as Change
from chalicelib.data import operator_queries, queries
from chalicelib.data.operations import Operations, UpdateReturning
from chalicelib.data.seed import CONFIG_ID
from chalicelib.data.store import MongoReads, MongoStore

T = TypeVar("T")


class MongoSignInTries:
    """``SignInTries`` in one document per key, each try one atomic update."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def note(self, key: str, now: datetime, *, kept: int, expires_at: datetime) -> Sequence[datetime]:
        added = {"$push": {"tries": {"$each": [now], "$slice": -kept}}, "$set": {"expiresAt": expires_at}}
        document = self._operations.execute(
            UpdateReturning(Change("operatorsignins", {"_id": key}, added, upsert=True))
        )
        tries = (as_moment(one) for one in (document or {}).get("tries", ()))
        return [one for one in tries if one is not None]


class MongoOperatorSnapshot(MongoReads):
    """``OperatorSnapshot`` inside one transaction."""

    def mode(self, mode_id: str) -> Document | None:
        return self._saw("gamemodes", self._read(operator_queries.mode(mode_id)))

    def mode_of_key(self, key: str) -> Document | None:
        return self._saw("gamemodes", self._read(operator_queries.mode_of_key(key)))

    def economy_config(self) -> Document | None:
        return self._saw("economyconfigs", self._read(queries.economy_config()))


class MongoOperators:
    """``OperatorStore`` on the arena's store, and ``OperatorQueries`` on the primary pool."""

    def __init__(self, store: MongoStore, operations: Operations) -> None:
        self._store = store
        self._operations = operations

    def new_id(self) -> ObjectId:
        return self._store.new_id()

    def config_id(self) -> Any:
        return CONFIG_ID

    def transact(self, work: Callable[[OperatorSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MongoOperatorSnapshot, work)

    def modes(self, *, arena: str | None, league: str | None, enabled: bool | None) -> list[Document]:
        return self._operations.execute(operator_queries.modes(arena, league, enabled))

    def economy_config(self) -> Document:
        return self._operations.execute(queries.economy_config()) or {}

    def ledger(self, telegram_id: str | None, limit: int) -> list[Document]:
        return self._operations.execute(operator_queries.ledger(telegram_id, limit))

    def actions(self, limit: int) -> list[Document]:
        return self._operations.execute(operator_queries.actions(limit))
