"""What other regions did, applied on MongoDB."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chalicelib.arena.ports import Document, Outcome
from chalicelib.data import queries
from chalicelib.data.operations import Find
from chalicelib.data.store import MongoReads, MongoStore
from chalicelib.replication.ports import ReplicaSnapshot
from chalicelib.replication.rules import FACTS, NAMED_BY_ID

T = TypeVar("T")


class MongoReplicaSnapshot(MongoReads):
    """``ReplicaSnapshot`` inside one transaction."""

    def find(self, collection: str, where: Mapping[str, Sequence[Any]]) -> list[Document]:
        rule = FACTS.get(collection, NAMED_BY_ID)
        conditions = {field: rule.condition(field, "$in", list(values)) for field, values in where.items()}
        return self._read(Find(collection, conditions))

    def economy_config(self) -> Document:
        return self._read(queries.economy_config()) or {}


class MongoReplica:
    """``ReplicaStore``. ``store`` records nothing: what is applied was told by the region it is from."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store

    def transact(self, work: Callable[[ReplicaSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MongoReplicaSnapshot, work)
