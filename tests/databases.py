"""Databases for tests: made once, with the arena's indexes, then emptied after each test and used again.

Making them takes a third of a second; looking them over and emptying them takes milliseconds.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.data.indexes import INDEXES, ensure_indexes
from tests.redis_doors import forget_keys

_LIFETIME = "transactionLifetimeLimitSeconds"


class Lender:
    """Lends databases of one server. ``caches`` are Redis clients that forget what they hold of one that comes back."""

    def __init__(self, client: MongoClient[Document], caches: Sequence[Any]) -> None:
        self._client = client
        self._caches = caches
        self._emptied: list[Database[Document]] = []

    @contextmanager
    def lent(self, number: int) -> Iterator[list[Database[Document]]]:
        """Databases that have every index of the arena and no document."""
        lent = [self._emptied.pop() if self._emptied else self._new() for _ in range(number)]
        yield lent
        for database in lent:
            for cache in self._caches:
                forget_keys(cache, f"{database.name}:")
            if is_indexed(database):
                empty(database)
                self._emptied.append(database)
            else:
                self._client.drop_database(database.name)

    @contextmanager
    def lent_to(self, names: Sequence[str]) -> Iterator[dict[str, Database[Document]]]:
        """One for each name, a region's for instance."""
        with self.lent(len(names)) as lent:
            yield dict(zip(names, lent, strict=True))

    def _new(self) -> Database[Document]:
        database = self._client[f"test_{uuid.uuid4().hex[:12]}"]
        ensure_indexes(database)
        return database


@contextmanager
def transactions_live(client: MongoClient[Any], seconds: int) -> Iterator[None]:
    """In the block its server gives up a transaction that goes on for so long."""
    before = client.admin.command({"getParameter": 1, _LIFETIME: 1})[_LIFETIME]
    client.admin.command({"setParameter": 1, _LIFETIME: seconds})
    try:
        yield
    finally:
        client.admin.command({"setParameter": 1, _LIFETIME: before})


def is_indexed(database: Database[Any]) -> bool:
    """Whether it has the arena's indexes and no other, by their names."""
    expected: dict[str, set[str]] = {}
    for index in INDEXES:
        expected.setdefault(index.collection, {"_id_"}).add(index.name)
    catalogue = database.client.admin.aggregate(
        [
            {"$listCatalog": {}},
            {"$match": {"db": database.name, "type": "collection"}},
            {"$project": {"_id": 0, "name": 1, "indexes": "$md.indexes.spec.name"}},
        ]
    )
    found = {row["name"]: set(row["indexes"]) for row in catalogue}
    return expected.keys() <= found.keys() and all(
        names == expected.get(name, {"_id_"}) for name, names in found.items()
    )


def empty(database: Database[Any]) -> None:
    """Deletes every document of it."""
    first, *others = database.list_collection_names()

    def look(name: str) -> list[Document]:
        return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}]

    found = database[first].aggregate(
        [*look(first), *({"$unionWith": {"coll": name, "pipeline": look(name)}} for name in others)]
    )
    for row in list(found):
        database[row["name"]].delete_many({})
