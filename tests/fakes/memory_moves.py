"""``MoveStore`` in memory."""

from collections.abc import Callable
from typing import Any, TypeVar

from chalicelib.arena.ports import Document, Outcome
from chalicelib.replication.moves import MoveSnapshot, Proof
from chalicelib.replication.rules import VERSIONS
from tests.fakes.memory_database import Moment
from tests.fakes.memory_store import MemoryStore

T = TypeVar("T")


class MemoryMoveSnapshot:
    """``MoveSnapshot`` on one moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def roles(self) -> list[Document]:
        return self._moment.find("regions")

    def player(self, telegram_id: str) -> Document | None:
        return next(iter(self._moment.find("users", {"telegramId": telegram_id})), None)

    def proof(self, telegram_id: str) -> Proof:
        debits: dict[str, list[Any]] = {}
        for row in self._moment.find("ledgerentries", {"telegramId": telegram_id, "direction": "debit"}):
            rows, total = debits.get(row["currency"], [0, 0])
            debits[row["currency"]] = [rows + 1, total + row["amount"]]
        brokers = self._moment.find("brokers", {"ownerTelegramId": telegram_id})
        return {
            "debits": debits,
            "battles": len(self._moment.find("battles", {"ownerTelegramId": telegram_id})),
            "brokers": {str(one["_id"]): max((one.get(VERSIONS) or {}).values(), default="") for one in brokers},
        }


class MemoryMoves:
    """``store`` records what it commits."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def transact(self, work: Callable[[MoveSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MemoryMoveSnapshot, work)
