"""``ReplicaStore`` in memory."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from chalicelib.arena.ports import Document, Outcome
from chalicelib.replication.ports import ReplicaSnapshot, Wanted
from tests.fakes.memory_database import Moment
from tests.fakes.memory_store import MemoryStore

T = TypeVar("T")


class MemoryReplicaSnapshot:
    """``ReplicaSnapshot`` on one moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def find_all(self, wanted: Sequence[Wanted]) -> list[list[Document]]:
        return [self._moment.having(collection, where) for collection, where in wanted]

    def economy_config(self) -> Document:
        return next(iter(self._moment.find("economyconfigs")), {})


class MemoryReplica:
    """``store`` records nothing."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def transact(self, work: Callable[[ReplicaSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MemoryReplicaSnapshot, work)
