"""What other regions did, applied on MongoDB."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chalicelib.arena.ports import Document, Outcome
from chalicelib.data import queries
from chalicelib.data.operations import Aggregate
from chalicelib.data.store import MongoReads, MongoStore
from chalicelib.replication.ports import ReplicaSnapshot, Wanted
from chalicelib.replication.rules import FACTS, NAMED_BY_ID

T = TypeVar("T")


class MongoReplicaSnapshot(MongoReads):
    """``ReplicaSnapshot`` inside one transaction."""

    def find_all(self, wanted: Sequence[Wanted]) -> list[list[Document]]:
        found: list[list[Document]] = [[] for _ in wanted]
        for row in self._read(_each(wanted)):
            found[row["place"]].append(row["document"])
        return found

    def economy_config(self) -> Document:
        return self._read(queries.economy_config()) or {}


def _each(wanted: Sequence[Wanted]) -> Aggregate:
    """Rows {place, document}: a lookup for each, as in ``queries``, but unwound: together they may be more than one
    document can hold."""
    found = {
        f"found{place}": queries.lookup(collection, _conditions(collection, where))
        for place, (collection, where) in enumerate(wanted)
    }
    rows: list[Document] = [
        {"$map": {"input": f"$found{place}", "in": {"place": place, "document": "$$this"}}}
        for place in range(len(wanted))
    ]
    unwound: list[Document] = [
        {"$project": {"row": {"$concatArrays": rows}}},
        {"$unwind": "$row"},
        {"$replaceWith": "$row"},
    ]
    return Aggregate(None, [*queries.together(**found).pipeline, *unwound])


def _conditions(collection: str, where: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    rule = FACTS.get(collection, NAMED_BY_ID)
    return {field: rule.condition(field, "$in", list(values)) for field, values in where.items()}


class MongoReplica:
    """``ReplicaStore``. ``store`` records nothing: what is applied was told by the region it is from."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store

    def transact(self, work: Callable[[ReplicaSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MongoReplicaSnapshot, work)
