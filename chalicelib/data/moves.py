"""Moving players on MongoDB: reads of a player, and of what this region knows of one."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from chalicelib.arena.ports import Document, Outcome
from chalicelib.data.operations import Aggregate, Find, FindOne, Operations
from chalicelib.data.queries import EVERY_ROLE
from chalicelib.data.store import MongoReads, MongoStore
from chalicelib.replication.moves import MoveSnapshot, Proof
from chalicelib.replication.regions import COLLECTION
from chalicelib.replication.rules import VERSIONS

T = TypeVar("T")

_DEBITS: Final = {"direction": "debit"}
_ROLES: Final = Find(COLLECTION, EVERY_ROLE)


class MongoMoveSnapshot(MongoReads):
    """``MoveSnapshot`` inside one transaction."""

    def roles(self) -> list[Document]:
        return self._read(_ROLES)

    def player(self, telegram_id: str) -> Document | None:
        return self._saw("users", self._read(FindOne("users", {"telegramId": telegram_id})))

    def proof(self, telegram_id: str) -> Proof:
        by_currency = {"_id": "$currency", "rows": {"$sum": 1}, "sum": {"$sum": "$amount"}}
        debits = self._read(
            Aggregate("ledgerentries", [{"$match": {"telegramId": telegram_id, **_DEBITS}}, {"$group": by_currency}])
        )
        battles = self._read(
            Aggregate("battles", [{"$match": {"ownerTelegramId": telegram_id}}, {"$count": "battles"}])
        )
        brokers = self._read(
            Aggregate("brokers", [{"$match": {"ownerTelegramId": telegram_id}}, {"$project": {VERSIONS: 1}}])
        )
        return {
            "debits": {str(found["_id"]): [found["rows"], found["sum"]] for found in debits},
            "battles": battles[0]["battles"] if battles else 0,
            "brokers": {str(broker["_id"]): _latest(broker) for broker in brokers},
        }


class MongoMoves:
    """``MoveStore`` on the arena's store."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store

    def transact(self, work: Callable[[MoveSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MongoMoveSnapshot, work)


class MongoRegionRoles:
    """Who serves for whom, as this region's database has it."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def all(self) -> list[Document]:
        """Documents of ``regions``; empty where nobody has written any."""
        return self._operations.execute(_ROLES)


def _latest(broker: dict[str, Any]) -> str:
    return max((broker.get(VERSIONS) or {}).values(), default="")
