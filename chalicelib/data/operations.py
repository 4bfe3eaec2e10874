"""The one door to the database: five kinds of operation, as data, on a named pool.

Everything the arena asks of MongoDB passes through ``Operations.execute``, so one place bounds its time,
maps its faults and refuses what is not on the list. There is no delete: what players delete is marked
(``deletedAt``), what expires has a TTL index.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, overload

import pymongo
from pymongo import ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.data import commands
from chalicelib.data.faults import translated
from chalicelib.data.pools import PoolName, Pools
from chalicelib.errors import InternalError

DEFAULT_BUDGET_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Find:
    """Documents matching ``where``, sorted; ``limit`` 0 is no limit, ``projection`` None is whole documents."""

    collection: str
    where: Mapping[str, Any]
    sort: Sequence[tuple[str, int]] = ()
    limit: int = 0
    projection: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FindOne:
    """The first document matching ``where``."""

    collection: str
    where: Mapping[str, Any]
    sort: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True, slots=True)
class Create:
    """Inserts ``documents``, each with its ``_id``, in one round trip."""

    collection: str
    documents: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Update:
    """Applies ``changes``, all of one collection, in order and in one round trip; each to one document."""

    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class UpdateReturning:
    """Applies one change and reads the document back as it then is."""

    change: Change


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Runs ``pipeline`` on ``collection``, or on the database itself (None) when it starts with $documents."""

    collection: str | None
    pipeline: Sequence[Mapping[str, Any]]


Read = Find | FindOne | Aggregate
Operation = Read | Create | Update | UpdateReturning
OPERATIONS: Final = ("find", "findOne", "create", "update", "aggregate")


class UnknownOperation(InternalError):
    """Something that is not one of the five operations, or not allowed on the pool."""

    def __init__(self, found: object) -> None:
        super().__init__("internal server error", f"unknown operation {found!r}: one of {', '.join(OPERATIONS)}")


class ReadOnlyPool(InternalError):
    """A write was sent to a pool that is for reads."""

    def __init__(self, pool: str) -> None:
        super().__init__("internal server error", f"pool {pool!r} is for reads (find, findOne, aggregate)")


def shared_budget(seconds: float) -> AbstractContextManager[None]:
    """Bounds all operations and transactions of a block together, whatever their own budgets."""
    return pymongo.timeout(seconds)


class Operations:
    """Runs operations on the pools of one process.

    ``budget_seconds`` bounds one operation outside a transaction, retries and waiting for a primary included; inside
    one the transaction's own budget counts.
    """

    def __init__(self, pools: Pools, database: str, *, budget_seconds: float = DEFAULT_BUDGET_SECONDS) -> None:
        self._pools = pools
        self._database = database
        self._budget_seconds = budget_seconds

    @property
    def pools(self) -> Pools:
        return self._pools

    @property
    def budget_seconds(self) -> float:
        return self._budget_seconds

    @overload
    def execute(
        self, operation: Find | Aggregate, *, pool: PoolName = "primary", session: ClientSession | None = None
    ) -> list[Document]: ...
    @overload
    def execute(
        self, operation: FindOne | UpdateReturning, *, pool: PoolName = "primary", session: ClientSession | None = None
    ) -> Document | None: ...
    @overload
    def execute(
        self, operation: Create | Update, *, pool: PoolName = "primary", session: ClientSession | None = None
    ) -> int: ...

    def execute(self, operation: Operation, *, pool: PoolName = "primary", session: ClientSession | None = None) -> Any:
        """The result of ``operation``: documents, one document or None, or how many documents were written.

        In a ``session`` driver errors pass through as they are, because the transaction decides by their labels.
        Raises ``Unavailable``, ``UnknownPool``, ``UnknownOperation``, ``ReadOnlyPool``.
        """
        if not isinstance(operation, Operation):
            raise UnknownOperation(operation)
        if not isinstance(operation, Read) and not self._pools.spec(pool).writable:
            raise ReadOnlyPool(pool)
        database = self._pools.client(pool)[self._database]
        if session is not None:
            return _run_in(session, database, operation)
        with translated(), pymongo.timeout(self._budget_seconds):
            return _run(database, operation, None)


def _run_in(session: ClientSession, database: Database[Document], operation: Operation) -> Any:
    """As one plain command where it is one."""
    done: Any = None
    if session.in_transaction:
        match operation:
            case Aggregate():
                done = commands.aggregated(database, operation.collection, operation.pipeline, session)
            case Create():
                done = commands.inserted(database, operation.collection, operation.documents, session)
            case Update():
                done = commands.updated(database, operation.changes, session)
    return _run(database, operation, session) if done is None else done


def _run(database: Database[Document], operation: Operation, session: ClientSession | None) -> Any:
    match operation:
        case Find():
            sort = list(operation.sort) or None
            return (
                database[operation.collection]
                .find(operation.where, operation.projection, sort=sort, limit=operation.limit, session=session)
                .to_list()
            )
        case FindOne():
            sort = list(operation.sort) or None
            return database[operation.collection].find_one(operation.where, sort=sort, session=session)
        case Aggregate():
            target = database if operation.collection is None else database[operation.collection]
            return target.aggregate(list(operation.pipeline), session=session).to_list()
        case Create():
            # Copied: the driver adds _id to what it is given.
            documents = [dict(document) for document in operation.documents]
            return _create(database[operation.collection], documents, session)
        case Update():
            return _update(database, operation.changes, session)
        case UpdateReturning():
            change = operation.change
            return database[change.collection].find_one_and_update(
                change.where,
                change.change,
                upsert=change.upsert,
                return_document=ReturnDocument.AFTER,
                session=session,
            )


def _create(collection: Collection[Document], documents: list[Document], session: ClientSession | None) -> int:
    if len(documents) == 1:
        # Not as a batch of one: the driver spends half as long again on a batch.
        collection.insert_one(documents[0], session=session)
    else:
        collection.insert_many(documents, session=session)
    return len(documents)


def _update(database: Database[Document], changes: Sequence[Change], session: ClientSession | None) -> int:
    """How many of ``changes`` found (or created) their document."""
    (name,) = {change.collection for change in changes}
    collection: Collection[Document] = database[name]
    if len(changes) == 1:
        (change,) = changes
        result = collection.update_one(change.where, change.change, upsert=change.upsert, session=session)
        return result.matched_count + (result.upserted_id is not None)
    bulk = collection.bulk_write([UpdateOne(c.where, c.change, upsert=c.upsert) for c in changes], session=session)
    return bulk.matched_count + bulk.upserted_count
