"""A database that a backup is restored into, on MongoDB."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pymongo
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure
from pymongo.write_concern import WriteConcern

from chalicelib.arena.outbox import COLLECTION as OUTBOX
from chalicelib.arena.ports import Document, Insert, Outcome, Write
from chalicelib.arena.stripes import COLLECTION as DAYS
from chalicelib.backup.ports import BackupError
from chalicelib.backup.replaying import counter_updates, restored_row
from chalicelib.backup.scope import LEFT_OUT, LOADING, RESTORATIONS
from chalicelib.data.faults import translated
from chalicelib.data.indexes import INDEXES, Index
from chalicelib.data.operations import Aggregate, Create, Find, FindOne, Operation, Operations, Update, UpdateReturning
from chalicelib.data.pools import PoolName, Pools
from chalicelib.data.replica import MongoReplica
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.replication.applying import AppliedEvent, decide, remembered
from chalicelib.replication.conversion import stored_event
from chalicelib.replication.ports import APPLIED, Event, ReplicaSnapshot
from chalicelib.replication.regions import COLLECTION as ROLES

_ID: Final = "database"
_BATCH_DOCUMENTS: Final = 5_000
_EXPIRING: Final = "expireAfterSeconds"
_BUDGET_SECONDS: Final = 60.0
"""For one step; a person waits, not a player."""
_QUICK: Final = WriteConcern(w=1)
"""Of loading: the mark is written afterwards by a majority, and with it everything before."""


class MongoRestoreTarget:
    """``RestoreTarget``."""

    def __init__(self, pools: Pools, database: str, where: str, indexes: Sequence[Index] = INDEXES) -> None:
        self._indexes = indexes
        self._database: Database[Document] = pools.client("primary")[database]
        self._where = where

    @property
    def where(self) -> str:
        return self._where

    def present(self) -> Mapping[str, int]:
        found = {}
        with _bounded():
            for name in self._names():
                if name in LEFT_OUT or name.startswith(("system.", LOADING)):
                    continue
                if self._database[name].find_one(projection={"_id": 1}) is not None:
                    found[name] = self._database[name].estimated_document_count()
        return found

    def leftovers(self) -> Sequence[str]:
        with _bounded():
            return [name for name in self._names() if name.startswith(LOADING)]

    def mark(self) -> Document | None:
        with _bounded():
            return self._database[RESTORATIONS].find_one({"_id": _ID})

    def begin(self, mark: Mapping[str, Any], *, after: str | None) -> bool:
        with _bounded(), contextlib.suppress(DuplicateKeyError):
            if after is None:
                self._database[RESTORATIONS].insert_one({"_id": _ID, **mark})
            else:
                self._database[RESTORATIONS].replace_one({"_id": _ID, "run": after}, dict(mark))
        return bool((self.mark() or {}).get("run") == mark["run"])

    def advance(self, run: str, state: str, **more: Any) -> bool:
        with _bounded():
            change = {"$set": {"state": state, **more}}
            return self._database[RESTORATIONS].update_one({"_id": _ID, "run": run}, change).matched_count == 1

    def drop_leftovers(self) -> None:
        with _bounded():
            for name in self.leftovers():
                self._database.drop_collection(name)

    def insert(self, collection: str, documents: Sequence[bytes]) -> None:
        loading = self._database.get_collection(LOADING + collection, write_concern=_QUICK)
        with _bounded():
            try:
                loading.insert_many([RawBSONDocument(one) for one in documents], ordered=False)
            except BulkWriteError as error:
                codes = sorted({row.get("code") for row in (error.details or {}).get("writeErrors", [])})
                raise BackupError(f"{collection}: the database refused documents (codes {codes})") from error

    def raw(self, collection: str) -> Iterator[bytes]:
        if LOADING + collection not in self.leftovers():
            return
        with translated():
            found = self._database[LOADING + collection].find_raw_batches(
                sort=[("_id", 1)], batch_size=_BATCH_DOCUMENTS
            )
            with contextlib.closing(found):
                raw: Any
                for raw in found:
                    if raw:
                        yield raw

    def index(self) -> None:
        with translated():
            for index in self._indexes:
                if index.collection not in LEFT_OUT and _EXPIRING not in index.options:
                    self._create(LOADING + index.collection, index)

    def known_indexes(self) -> set[str]:
        ours = {f"{index.collection}.{index.name}" for index in self._indexes}
        return ours | {f"{name}._id_" for name in (*self._names(), *LEFT_OUT)}

    def publish(self, collection: str) -> None:
        names = self._names()
        if LOADING + collection not in names:
            return
        with _bounded():
            if collection in names:
                if self._database[collection].find_one(projection={"_id": 1}) is not None:
                    raise BackupError(
                        f"{self._where}: somebody has written into {collection} meanwhile; take that away, then --again"
                    )
                self._database.drop_collection(collection)
            self._database[LOADING + collection].rename(collection)

    def roles(self) -> list[Document]:
        with _bounded():
            return list(self._database[ROLES].find())

    def write_role(self, role: Document) -> None:
        with _bounded():
            self._database[ROLES].replace_one({"_id": role["_id"]}, role, upsert=True)

    def complete(self) -> None:
        with translated():
            for index in self._indexes:
                self._create(index.collection, index)

    def _create(self, collection: str, index: Index) -> None:
        try:
            self._database[collection].create_index(list(index.keys), **index.options)
        except OperationFailure as error:
            raise BackupError(
                f"{self._where}: index {index.collection}.{index.name} can't be made (code {error.code})"
            ) from error

    def _names(self) -> list[str]:
        return sorted(self._database.list_collection_names())


class _LoadingOperations(Operations):
    """Operations on the collections that are being loaded."""

    def execute(self, operation: Any, *, pool: PoolName = "primary", session: ClientSession | None = None) -> Any:
        return super().execute(_moved(operation), pool=pool, session=session)


def _moved(operation: Operation) -> Operation:
    match operation:
        case Update():
            changes = [replace(change, collection=LOADING + change.collection) for change in operation.changes]
            return replace(operation, changes=changes)
        case Find() | FindOne() | Create():
            return replace(operation, collection=LOADING + operation.collection)
        case Aggregate(collection=None):
            return replace(operation, pipeline=[_moved_stage(stage) for stage in operation.pipeline])
        case Aggregate() | UpdateReturning():
            raise TypeError(f"{type(operation).__name__} is none of what replaying needs")


def _moved_stage(stage: Mapping[str, Any]) -> Mapping[str, Any]:
    """Lookups look into one collection each: none of what replaying reads looks further from there."""
    match stage:
        case {"$lookup": {"from": str(collection)} as lookup}:
            return {"$lookup": {**lookup, "from": LOADING + collection}}
        case _:
            return stage


class MongoReplay:
    """``ReplayTarget``: events of ``region`` are its own, others are applied as they came from there."""

    def __init__(self, pools: Pools, database: str, region: str) -> None:
        self._region = region
        self._database: Database[Document] = pools.client("primary")[database]
        operations = _LoadingOperations(pools, database, budget_seconds=_BUDGET_SECONDS)
        store = MongoStore(operations, Transactions(pools, budget_seconds=_BUDGET_SECONDS))
        self._replica = MongoReplica(store)

    def known(self, event_ids: Sequence[Any]) -> set[Any]:
        where = {"_id": {"$in": list(event_ids)}}
        with _bounded():
            return {
                row["_id"]
                for name in (OUTBOX, APPLIED)
                for row in self._database[LOADING + name].find(where, {"_id": 1})
            }

    def apply(self, rows: Sequence[Document], now: Any) -> list[Any]:
        by_id = {row["_id"]: row for row in rows}
        told: list[Document] = []

        def remember(events: Sequence[Event], moment: Any) -> Sequence[Write]:
            own = [by_id[event.event_id] for event in events if event.source_region == self._region]
            others = [event for event in events if event.source_region != self._region]
            told[:] = [change for row in own for change in row["changes"]]
            return (
                *(remembered(others, moment) if others else ()),
                *([Insert(OUTBOX, tuple(map(restored_row, own)))] if own else ()),
            )

        def work(snapshot: ReplicaSnapshot) -> Outcome[list[AppliedEvent]]:
            told.clear()
            outcome = decide([stored_event(row) for row in rows], snapshot, now, remember=remember)
            return Outcome(outcome.result, (*outcome.writes, *counter_updates(told)))

        return [one.event_id for one in self._replica.transact(work) if one.fate == "early"]

    def share_anew(self, days: Sequence[str]) -> None:
        if days:
            with _bounded():
                gone = {"$unset": {"terms": "", "rooms": ""}}
                self._database[LOADING + DAYS].update_many({"day": {"$in": list(days)}}, gone)


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    with translated(), pymongo.timeout(_BUDGET_SECONDS):
        yield
