"""What is left to do until a cluster is as ``chalicelib.data.sharding`` says. Pure.

``plan`` compares with what the cluster has at this moment, so applying can stop anywhere and go on: who plans again
gets the rest.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.arena.ports import Document
from chalicelib.data.indexes import INDEXES, Index
from chalicelib.data.sharding import (
    CHUNKS_PER_SHARD,
    HASHED,
    MADE_BEFOREHAND,
    SERVER_MIN,
    SHARDED,
    Range,
    Sharded,
    ShardKey,
    document,
    keeps_unique,
    zone_of,
    zone_ranges,
)
from infra.sharding.shell import shell, shown

ADMIN: Final = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What a cluster has."""

    is_router: bool = True
    """Whether a mongos answered."""
    version: tuple[int, ...] = SERVER_MIN
    has_database: bool = False
    shards: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Zones of each shard; those that are drained left out."""
    zones: Mapping[str, Sequence[tuple[Range, str]]] = field(default_factory=dict)
    """Ranges and their zones, by collection."""
    keys: Mapping[str, ShardKey] = field(default_factory=dict)
    """Of the collections that are sharded."""
    indexes: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """As ``listIndexes`` tells them, by collection."""
    filled: frozenset[str] = frozenset()
    """Collections with documents."""
    unfit: Mapping[str, Any] = field(default_factory=dict)
    """By collection: the ``_id`` of a document without a value, or with a list, in the key's fields."""
    made: frozenset[str] = frozenset()
    """Of the collections that are to be made beforehand."""
    boards: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command."""

    database: str
    command: Document
    why: str

    @property
    def name(self) -> str:
        return next(iter(self.command))

    @property
    def shell(self) -> str:
        """To be typed into mongosh."""
        return shell(self.database, self.command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in their order. With blockers none of them should be taken."""

    steps: Sequence[Step]
    blockers: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to aim at."""

    database: str
    region: str
    collections: Sequence[Sharded] = SHARDED
    any_version: bool = False
    """Also on servers that can't serve battles from it."""


def plan(wanted: Wanted, present: Present) -> Plan:
    """Everything that is left, and everything that stands in the way."""
    blockers = list(_cluster_blockers(wanted, present))
    if not present.is_router:
        return Plan(steps=(), blockers=blockers)
    for one in wanted.collections:
        blockers += _collection_blockers(wanted, one, present)
    placed = placement(wanted, present.shards)
    steps = [*_zones(wanted, present, placed)]
    if not present.has_database:
        steps.append(_step({"enableSharding": wanted.database}, "the database becomes known to the cluster"))
    for name in MADE_BEFOREHAND:
        if name not in present.made:
            steps.append(
                Step(
                    database=wanted.database,
                    command={"create": name},
                    why=f"a transaction over shards can not make {name}",
                )
            )
    for one in wanted.collections:
        steps += _collection_steps(wanted, one, present)
    return Plan(steps=steps, blockers=blockers)


def placement(wanted: Wanted, shards: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    """Shards by collection: those that are in its zone already, then those with the fewest zones.

    Collections on many shards come first; of equals the first by name.
    """
    load = dict.fromkeys(sorted(shards), 0)
    placed = {}
    for one in sorted(wanted.collections, key=lambda one: (-one.shards, one.collection)):
        zone = zone_of(wanted.region, one.collection)
        chosen = [name for name in load if zone in shards[name]]
        others = sorted((name for name in load if name not in chosen), key=lambda name: (load[name], name))
        chosen += others[: max(0, one.shards - len(chosen))]
        for name in chosen:
            load[name] += 1
        placed[one.collection] = sorted(chosen)
    return placed


def _cluster_blockers(wanted: Wanted, present: Present) -> Iterator[str]:
    if not present.is_router:
        yield "this is no sharded cluster's mongos: only there can collections be sharded"
        return
    if present.version < SERVER_MIN and not wanted.any_version:
        lowest, found = (".".join(map(str, version)) for version in (SERVER_MIN, present.version))
        yield (
            f"MongoDB {found} does not read sharded collections by $lookup in a transaction, as battles do: "
            f"it takes {lowest} (--any-version shards all the same)"
        )
    needed = max((one.shards for one in wanted.collections), default=0)
    if len(present.shards) < needed:
        yield f"{len(present.shards)} shards that are not drained, needed {needed}: sh.addShard(…) first"


def _collection_blockers(wanted: Wanted, one: Sharded, present: Present) -> Iterator[str]:
    name, key = one.collection, present.keys.get(one.collection)
    if key is not None and key != one.key:
        reshard = {"reshardCollection": f"{wanted.database}.{name}", "key": document(one.key)}
        yield (
            f"{name} is sharded by {shown(dict(key))}, wanted {shown(document(one.key))}. A key is changed by "
            f"reshardCollection alone, at a quiet time: {shell(ADMIN, reshard)}"
        )
    zone = zone_of(wanted.region, name)
    foreign = sorted({other for _, other in present.zones.get(name, ()) if other != zone})
    if foreign:
        yield f"{name} has ranges of zone {', '.join(foreign)}, wanted {zone}: sh.removeRangeFromZone(…) first"
    if key is not None:
        return
    ranges = zone_ranges(one.key, present.boards)
    if any(span not in ranges for span, other in present.zones.get(name, ()) if other == zone):
        yield (
            f"{name} has ranges of {zone} that are not wanted (made for other boards?): "
            "sh.removeRangeFromZone(…) them, then go on"
        )
    for index in present.indexes.get(name, ()):
        if index.get("unique") and not keeps_unique(one.key, list(index["key"])):
            yield (
                f"{name}.{index['name']} is unique and does not begin with {', '.join(dict(one.key))}: MongoDB "
                f"would refuse. If `./arena indexes` has made its successor: db.{name}.dropIndex({index['name']!r})"
            )
    if name in present.unfit:
        yield (
            f"{name} {present.unfit[name]!r} has no value, or a list, in {', '.join(dict(one.key))}: "
            "such documents must be mended first"
        )


def _zones(wanted: Wanted, present: Present, placed: Mapping[str, Sequence[str]]) -> Iterator[Step]:
    for one in wanted.collections:
        zone = zone_of(wanted.region, one.collection)
        for shard in placed[one.collection]:
            if zone not in present.shards[shard]:
                yield _step({"addShardToZone": shard, "zone": zone}, f"{one.collection} is on {one.shards} shards")


def _collection_steps(wanted: Wanted, one: Sharded, present: Present) -> Iterator[Step]:
    """Indexes, then ranges, then the key: ranges that are there before it are what it is split by."""
    name, is_sharded = one.collection, one.collection in present.keys
    if not is_sharded:
        yield from _indexes(wanted.database, one, present)
    namespace, zone = f"{wanted.database}.{name}", zone_of(wanted.region, name)
    ranges = zone_ranges(one.key, present.boards)
    if is_sharded and present.zones.get(name):
        # Sharded with other boards than there are now: the ranges hold all values as they are.
        ranges = []
    there = [span for span, _ in present.zones.get(name, ())]
    for low, high in ranges:
        if (low, high) not in there:
            yield _step(
                {"updateZoneKeyRange": namespace, "min": dict(low), "max": dict(high), "zone": zone},
                f"{name} stays in its zone",
            )
    if is_sharded:
        return
    command: Document = {"shardCollection": namespace, "key": document(one.key)}
    if name in present.filled:
        yield _step(command, "it has documents: they start on one shard, and the balancer moves them")
    else:
        chunks = one.shards * CHUNKS_PER_SHARD * len(ranges)
        split = {"presplitHashedZones": True, "numInitialChunks": chunks}
        yield _step({**command, **split}, "it is empty: split at once, so that no shard takes all the first writes")


def _indexes(database: str, one: Sharded, present: Present) -> Iterator[Step]:
    """Its unique ones, which must be there before a second shard is; and, for one with documents, the key's own."""
    there = [dict(index["key"]) for index in present.indexes.get(one.collection, ())]
    wanted = [index for index in INDEXES if index.collection == one.collection and index.options.get("unique")]
    specs = [_spec(index) for index in wanted if dict(index.keys) not in there]
    if document(one.key) not in there:
        specs.append({"key": document(one.key), "name": index_name(one.key)})
    if specs:
        yield Step(
            database=database,
            command={"createIndexes": one.collection, "indexes": specs},
            why="unique indexes come before the second shard, and a key needs an index",
        )


def _spec(index: Index) -> Document:
    return {"key": dict(index.keys), "name": index.name, **index.options}


def index_name(key: ShardKey) -> str:
    """Of the index that serves a shard key."""
    return "_".join(f"{name}_{HASHED if kind == HASHED else kind}" for name, kind in key)


def _step(command: Document, why: str) -> Step:
    return Step(database=ADMIN, command=command, why=why)
