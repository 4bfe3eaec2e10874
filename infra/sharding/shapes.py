"""The arena's queries as far as routing sees them, and where each would go. Pure.

``query_shapes.json`` holds every shape an adapter sends to a collection that can be sharded, and how often in a
thousand requests of players. It is recorded (``python -m bench.sharding --record-queries``); the test that explains
every query fails on one that is not in it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

from chalicelib.arena.ports import Document
from chalicelib.data.sharding import HASHED, SHARDED, ShardKey

RECORDED: Final = Path(__file__).with_name("query_shapes.json")
KEY_FIELDS: Final = frozenset(
    {"_id", *(name for one in SHARDED for key in (one.key, one.guide_key, *one.considered) for name, _ in key)}
)
"""What may decide where a query goes."""
_COLLECTIONS: Final = frozenset(one.collection for one in SHARDED)

Kind = Literal["find", "aggregate", "lookup", "update", "upsert", "findAndModify", "insert"]
Route = Literal["one", "some", "all"]
"""Shards that are asked."""
ROUTES: Final[tuple[Route, ...]] = get_args(Route)


class Shape(NamedTuple):
    """One kind of query."""

    collection: str
    kind: Kind
    equal: tuple[str, ...] = ()
    """Fields it wants one value of."""
    among: tuple[str, ...] = ()
    """Fields it wants one of several values of."""


def shapes(command: Document) -> Iterator[Shape]:
    """Of one command as the driver sent it, lookups inside it included; of collections that can be sharded."""
    return (shape for shape in _shapes(command) if shape.collection in _COLLECTIONS)


def route(key: ShardKey, shape: Shape) -> Route:
    """One: an insert, or a query that says one value of the key up to its hashed field (or of its first).

    Some: one that says the key's beginning by several values, or not as far as the hashed field; the shards that hold
    such values are asked. All: any other.
    """
    names = [name for name, _ in key]
    kinds = [kind for _, kind in key]
    telling = names[: kinds.index(HASHED) + 1] if HASHED in kinds else names[:1]
    if shape.kind == "insert" or set(telling) <= set(shape.equal):
        return "one"
    return "some" if names[0] in shape.equal + shape.among else "all"


def names_whole_key(key: ShardKey, shape: Shape) -> bool:
    """Whether it says all of the key, as single changes and upserts should."""
    return all(name in shape.equal for name, _ in key)


def routed(key: ShardKey, collection: str, weights: Mapping[Shape, float]) -> Mapping[Route, float] | None:
    """Parts of the queries and updates by where they go; None where there are none."""
    asked = {
        shape: weight for shape, weight in weights.items() if shape.collection == collection and shape.kind != "insert"
    }
    total = sum(asked.values())
    if not total:
        return None
    return {
        where: sum(weight for shape, weight in asked.items() if route(key, shape) == where) / total for where in ROUTES
    }


@cache
def recorded() -> Mapping[Shape, float]:
    """Shapes with how often they come in a thousand requests; 0 for those players do not cause by themselves."""
    rows = json.loads(RECORDED.read_text(encoding="utf-8"))
    return {
        Shape(row["collection"], row["kind"], tuple(row["equal"]), tuple(row["among"])): float(row["per_thousand"])
        for row in rows
    }


def as_rows(weights: Mapping[Shape, float]) -> str:
    """For ``RECORDED``."""
    rows = [json.dumps({**shape._asdict(), "per_thousand": round(weights[shape], 1)}) for shape in sorted(weights)]
    return "[\n  " + ",\n  ".join(rows) + "\n]\n"


def _shapes(command: Document) -> Iterator[Shape]:
    name = next(iter(command))
    collection = str(command[name])
    match name:
        case "find":
            yield _shape(collection, "find", command.get("filter", {}))
        case "aggregate":
            if isinstance(command[name], str):
                yield _shape(collection, "aggregate", _first_match(command["pipeline"]))
            yield from _lookups(command["pipeline"])
        case "insert":
            yield Shape(collection, "insert")
        case "update":
            for one in command["updates"]:
                yield _shape(collection, "upsert" if one.get("upsert") else "update", one["q"])
        case "findAndModify":
            yield _shape(collection, "findAndModify", command.get("query", {}))


def _lookups(pipeline: Sequence[Document]) -> Iterator[Shape]:
    for stage in pipeline:
        if "$lookup" in stage:
            lookup = stage["$lookup"]
            inner = lookup.get("pipeline", ())
            where = dict(_first_match(inner))
            if "foreignField" in lookup:
                where[lookup["foreignField"]] = {"$eq": None}
            yield _shape(lookup["from"], "lookup", where)
            yield from _lookups(inner)


def _first_match(pipeline: Sequence[Document]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = pipeline[0].get("$match", {}) if pipeline else {}
    return found


def _shape(collection: str, kind: Kind, where: Mapping[str, Any]) -> Shape:
    equal, among = _said(where)
    return Shape(collection, kind, tuple(sorted(equal & KEY_FIELDS)), tuple(sorted((among - equal) & KEY_FIELDS)))


def _said(where: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Fields said by one value, and by several."""
    equal: set[str] = set()
    among: set[str] = set()
    for name, condition in where.items():
        if name == "$and":
            for part in condition:
                equal, among = equal | _said(part)[0], among | _said(part)[1]
        elif name == "$or":
            branches = [set.union(*_said(part)) for part in condition]
            among |= set.intersection(*branches) if branches else set()
        elif name.startswith("$"):
            continue
        elif not _is_operators(condition) or "$eq" in condition:
            equal.add(name)
        elif "$in" in condition:
            among.add(name)
    return equal, among


def _is_operators(condition: Any) -> bool:
    return isinstance(condition, Mapping) and any(str(name).startswith("$") for name in condition)
