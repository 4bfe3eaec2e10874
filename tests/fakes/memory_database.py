"""Collections in memory with snapshots, write conflicts and the real unique indexes."""

import copy
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from chalicelib.arena.ports import Document, Insert, Write
from chalicelib.data.indexes import INDEXES, Index
from tests.fakes.documents import inserted, matches, updated


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

Tables = dict[str, dict[Any, _Record]]


@dataclass(frozen=True, slots=True)
class Moment:
    """The database as it was; reads give copies."""

    tables: Tables
    version: int

    def find(self, collection: str, where: Mapping[str, Any] | None = None) -> list[Document]:
        """Documents matching ``where``, in insertion order."""
        records = self.tables.get(collection, {}).values()
        return [copy.deepcopy(r.document) for r in records if matches(r.document, where or {})]


class MemoryDatabase:
    """A commit replaces immutable records, so a moment is a shallow copy."""

    def __init__(self) -> None:
        self._tables: Tables = {}
        self._version = 0
        self._lock = threading.Lock()

    def now(self) -> Moment:
        with self._lock:
            return Moment({name: dict(table) for name, table in self._tables.items()}, self._version)

    def commit(self, writes: Iterable[Write], *, seen: Moment | None = None) -> None:
        """Applies all ``writes`` or none. ``seen`` is what they were decided on; without it nothing can conflict.

        Raises ``StaleError`` and ``DuplicateError``.
        """
        with self._lock:
            tables = {name: dict(table) for name, table in self._tables.items()}
            for write in writes:
                _apply(tables.setdefault(write.collection, {}), write, self._version + 1, seen)
            self._tables, self._version = tables, self._version + 1


def _apply(table: dict[Any, _Record], write: Write, version: int, seen: Moment | None) -> None:
    if isinstance(write, Insert):
        for document in write.documents:
            _insert(write.collection, table, dict(document), version)
        return
    found = next((record for record in table.values() if matches(record.document, write.where)), None)
    if found is not None:
        if seen is not None and seen.version < found.version < version:
            raise StaleError(write.collection)
        _store(write.collection, table, updated(found.document, write.change), version)
    elif write.upsert:
        _insert(write.collection, table, inserted(write.where, write.change), version)
    else:
        raise StaleError(write.collection)


def _insert(collection: str, table: dict[Any, _Record], document: Document, version: int) -> None:
    document = {"_id": ObjectId(), **copy.deepcopy(document)}
    if document["_id"] in table:
        raise DuplicateError("_id")
    _store(collection, table, document, version)


def _store(collection: str, table: dict[Any, _Record], document: Document, version: int) -> None:
    for index in INDEXES:
        if index.collection == collection and index.options.get("unique"):
            key = _key(index, document)
            others = (record.document for key_id, record in table.items() if key_id != document["_id"])
            if key is not None and any(_key(index, other) == key for other in others):
                raise DuplicateError(index.name)
    table[document["_id"]] = _Record(document, version)


def _key(index: Index, document: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The document's key in a unique index; None where the index leaves it out."""
    partial = index.options.get("partialFilterExpression", {})
    for name, condition in partial.items():
        if set(condition) != {"$type"} or condition["$type"] not in _TYPES:
            raise NotImplementedError(f"partial index on {condition!r}")
        if not isinstance(document.get(name), _TYPES[condition["$type"]]):
            return None
    return tuple(document.get(name) for name, _ in index.keys)
