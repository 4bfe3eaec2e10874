"""How a database's indexes differ from those of ``indexes.py``."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.data.indexes import INDEXES, REPLACED, RETIRED, Index
from chalicelib.data.sharding import SHARDED, document

Kind = Literal["missing", "different", "unknown", "replaced", "retired"]

_ABOUT: Final = ("v", "key", "name", "ns", "background", "wildcardProjection")
"""What an index's description holds beside options. Of ``background`` nothing is left once an index is built."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference."""

    kind: Kind
    collection: str
    index: str
    what: str


def drift(database: Database[Document]) -> list[Drift]:
    """By collection: missing, different, then unknown indexes. Collections nobody knows are not looked at."""
    stored = {
        name: [dict(index) for index in database[name].list_indexes()]
        for name in database.list_collection_names(filter={"type": "collection"})
    }
    return list(differences(INDEXES, stored))


def differences(wanted: Iterable[Index], stored: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[Drift]:
    """``stored`` is what listIndexes says, by collection."""
    by_collection: dict[str, list[Index]] = {}
    for index in wanted:
        by_collection.setdefault(index.collection, []).append(index)
    for collection, indexes in sorted(by_collection.items()):
        found = list(stored.get(collection, ()))
        for index in indexes:
            same = [other for other in found if _keys(other["key"]) == tuple(index.keys)]
            if not same:
                yield Drift("missing", collection, index.name, "is not there: ./arena indexes makes it")
                continue
            # There may be several of the same keys, with other filters.
            there = next((other for other in same if other["name"] == index.name), same[0])
            found.remove(there)
            if (real := _options(there)) != (meant := _options(index.options)):
                yield Drift("different", collection, str(there["name"]), f"has {real}, should have {meant}")
            elif there["name"] != index.name:
                yield Drift("different", collection, str(there["name"]), f"should be called {index.name}")
        for other in found:
            yield from _beyond(collection, other)


def _beyond(collection: str, index: Mapping[str, Any]) -> Iterator[Drift]:
    """What to think of an index that is not asked for."""
    name = str(index["name"])
    drop = f"db.{collection}.dropIndex({name!r})"
    if _keys(index["key"]) == (("_id", 1),) or _serves_a_shard_key(collection, index["key"]):
        return
    if name in RETIRED.get(collection, ()):
        yield Drift("retired", collection, name, f"would refuse what the arena writes: {drop}")
    elif name in REPLACED.get(collection, ()):
        yield Drift("replaced", collection, name, f"is no longer used: {drop}")
    else:
        yield Drift("unknown", collection, name, f"is none of the arena's, and written with every document: {drop}")


def _serves_a_shard_key(collection: str, keys: Mapping[str, Any]) -> bool:
    return any(one.collection == collection and document(one.key) == dict(keys) for one in SHARDED)


def _keys(stored: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Numbers come back as doubles where a shell wrote them."""
    return tuple((name, int(kind) if isinstance(kind, float) else kind) for name, kind in stored.items())


def _options(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are set; numbers as whole ones."""
    held = {name: _plain(value) for name, value in stored.items() if name not in _ABOUT and value is not False}
    if "wildcardProjection" in stored:
        held["wildcardProjection"] = sorted(stored["wildcardProjection"])
    if isinstance(held.get("expireAfterSeconds"), float):
        held["expireAfterSeconds"] = int(held["expireAfterSeconds"])
    return held


def _plain(value: Any) -> Any:
    """The driver's documents as dicts, so that they are shown alike."""
    return {name: _plain(inner) for name, inner in value.items()} if isinstance(value, Mapping) else value
