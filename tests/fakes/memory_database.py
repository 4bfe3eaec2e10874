"""Collections in memory with snapshots, write conflicts and the real unique indexes."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from chalicelib.arena.ports import Document, Insert, Write
from chalicelib.data.indexes import INDEXES, Index
from tests.fakes.documents import copied, inserted, matches, updated


class StaleError(Exception):
    """What the decision rested on changed before the commit."""


class DuplicateError(Exception):
    """A unique key is taken."""


@dataclass(frozen=True, slots=True)
class _Record:
    document: Document
    version: int
    """Number of the commit that wrote it."""


_TYPES = {"string": str, "objectId": ObjectId}
"""What a partial index may ask of a field."""

_Key = tuple[Any, ...]
_UNIQUE: dict[str, tuple[Index, ...]] = {
    name: tuple(index for index in INDEXES if index.collection == name and index.options.get("unique"))
    for name in {index.collection for index in INDEXES}
}


class _Table:
    """One collection: its records, and who holds each key of its unique indexes. A commit changes a copy."""

    def __init__(self, collection: str) -> None:
        self.collection = collection
        self.indexes = _UNIQUE.get(collection, ())
        self.records: dict[Any, _Record] = {}
        self._holders: list[dict[_Key, Any]] = [{} for _ in self.indexes]

    def copy(self) -> "_Table":
        other = _Table(self.collection)
        other.records = dict(self.records)
        other._holders = [dict(holders) for holders in self._holders]
        return other

    def matching(self, where: Mapping[str, Any]) -> Iterator[_Record]:
        """Records matching ``where``, in insertion order."""
        return (record for record in self._candidates(where) if matches(record.document, where))

    def _candidates(self, where: Mapping[str, Any]) -> Iterable[_Record]:
        wanted = where.get("_id")
        if wanted is not None and not isinstance(wanted, Mapping):
            return (self.records[wanted],) if wanted in self.records else ()
        for index, holders in zip(self.indexes, self._holders, strict=True):
            key = tuple(where.get(name) for name, _ in index.keys)
            if index.options.get("partialFilterExpression") or any(
                part is None or isinstance(part, Mapping) for part in key
            ):
                continue
            return (self.records[holders[key]],) if key in holders else ()
        return self.records.values()

    def store(self, document: Document, version: int) -> None:
        held = self.records.get(document["_id"])
        for index, holders in zip(self.indexes, self._holders, strict=True):
            key = _key(index, document)
            if key is not None and holders.get(key, document["_id"]) != document["_id"]:
                raise DuplicateError(index.name)
            if held is not None and (before := _key(index, held.document)) is not None:
                del holders[before]
            if key is not None:
                holders[key] = document["_id"]
        self.records[document["_id"]] = _Record(document, version)


_Tables = dict[str, _Table]


@dataclass(frozen=True, slots=True)
class Moment:
    """The database as it was; reads give copies."""

    tables: _Tables
    version: int

    def find(self, collection: str, where: Mapping[str, Any] | None = None) -> list[Document]:
        """Documents matching ``where``, in insertion order."""
        table = self.tables.get(collection)
        return [] if table is None else [copied(record.document) for record in table.matching(where or {})]

    def shared(self, collection: str, where: Mapping[str, Any] | None = None) -> list[Document]:
        """As ``find``, for whoever only looks: nothing is copied, and nothing of it may be changed."""
        table = self.tables.get(collection)
        return [] if table is None else [record.document for record in table.matching(where or {})]

    def having(self, collection: str, where: Mapping[str, Sequence[Any]]) -> list[Document]:
        """Documents each of whose named fields has one of the values listed for it; None stands for a missing one."""
        table = self.tables.get(collection)
        if table is None:
            return []
        records: Iterable[_Record] = table.records.values()
        if "_id" in where:
            records = [table.records[value] for value in dict.fromkeys(where["_id"]) if value in table.records]
        found = (record.document for record in records)
        return [copied(row) for row in found if all(row.get(name) in values for name, values in where.items())]


class MemoryDatabase:
    """A commit replaces tables and records and changes none, so a moment costs nothing."""

    def __init__(self, new_id: Callable[[], ObjectId] = ObjectId) -> None:
        self._tables: _Tables = {}
        self._version = 0
        self._lock = threading.Lock()
        self._new_id = new_id

    def copy(self, new_id: Callable[[], ObjectId] = ObjectId) -> "MemoryDatabase":
        """Another database with the same content."""
        other = MemoryDatabase(new_id)
        other._tables, other._version = self._tables, self._version
        return other

    def now(self) -> Moment:
        with self._lock:
            return Moment(self._tables, self._version)

    def commit(self, writes: Iterable[Write], *, seen: Moment | None = None) -> None:
        """Applies all ``writes`` or none. ``seen`` is what they were decided on; without it nothing can conflict.

        Raises ``StaleError`` and ``DuplicateError``.
        """
        with self._lock:
            tables, changed = dict(self._tables), set[str]()
            for write in writes:
                name = write.collection
                if name not in changed:
                    tables[name] = tables[name].copy() if name in tables else _Table(name)
                    changed.add(name)
                self._apply(tables[name], write, seen)
            self._tables, self._version = tables, self._version + 1

    def _apply(self, table: _Table, write: Write, seen: Moment | None) -> None:
        version = self._version + 1
        if isinstance(write, Insert):
            if not write.documents:
                raise ValueError("an insert of nothing")
            for document in write.documents:
                self._insert(table, dict(document))
            return
        found = next(table.matching(write.where), None)
        if found is not None:
            if seen is not None and seen.version < found.version < version:
                raise StaleError(write.collection)
            table.store(updated(found.document, write.change), version)
        elif write.upsert:
            self._insert(table, inserted(write.where, write.change))
        else:
            raise StaleError(write.collection)

    def _insert(self, table: _Table, document: Document) -> None:
        begun = copied(document)
        document = begun if "_id" in begun else {"_id": self._new_id(), **begun}
        if document["_id"] in table.records:
            raise DuplicateError("_id")
        table.store(document, self._version + 1)


def _key(index: Index, document: Mapping[str, Any]) -> _Key | None:
    """The document's key in a unique index; None where the index leaves it out."""
    partial = index.options.get("partialFilterExpression", {})
    for name, condition in partial.items():
        if set(condition) != {"$type"} or condition["$type"] not in _TYPES:
            raise NotImplementedError(f"partial index on {condition!r}")
        if not isinstance(document.get(name), _TYPES[condition["$type"]]):
            return None
    return tuple(document.get(name) for name, _ in index.keys)
