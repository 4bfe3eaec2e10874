"""How a cluster's collections lie: shards, zones, chunks, sizes, and what is off."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pymongo.errors import OperationFailure

from chalicelib.arena.ports import Document
from chalicelib.data.sharding import document
from infra.sharding.cluster import Client, as_key, present, sharded_in
from infra.sharding.steps import Present, Wanted, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class OnShard:
    """What one shard has of a collection."""

    chunks: int = 0
    jumbo: int = 0
    """Chunks the balancer can't move: they hold too much of too few values."""
    documents: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionStatus:
    collection: str
    key: Mapping[str, Any]
    shards: Mapping[str, OnShard]

    @property
    def jumbo(self) -> int:
        return sum(shard.jumbo for shard in self.shards.values())

    def share(self, shard: str) -> float | None:
        """Of the collection's bytes; None where nobody says."""
        sizes = {name: one.bytes for name, one in self.shards.items() if one.bytes is not None}
        total = sum(sizes.values())
        return sizes[shard] / total if total and shard in sizes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    shards: Mapping[str, Sequence[str]]
    """Zones by shard."""
    collections: Sequence[CollectionStatus]
    balancer: str
    """``full``, ``off``, or what else the server calls it; ``unknown`` where it does not say."""
    steps_left: int
    wrong: Sequence[str]

    def data(self) -> Document:
        """For --json."""
        shares = {one.collection: {shard: one.share(shard) for shard in one.shards} for one in self.collections}
        return {**asdict(self), "shares": shares}


def status(client: Client, wanted: Wanted) -> Status:
    """Raises the driver's errors."""
    there = present(client, wanted)
    left = plan(wanted, there)
    collections = list(_collections(client, wanted)) if there.is_router else []
    balancer = _balancer(client) if there.is_router else "unknown"
    return Status(
        shards={name: sorted(zones) for name, zones in there.shards.items()},
        collections=collections,
        balancer=balancer,
        steps_left=len(left.steps),
        wrong=[*left.blockers, *_wrong(there, collections, balancer, len(left.steps))],
    )


def _wrong(there: Present, collections: Sequence[CollectionStatus], balancer: str, left: int) -> Iterator[str]:
    if left:
        yield f"{left} steps of the plan are left: `./arena shard apply`"
    if there.is_router and balancer == "off":
        yield "the balancer is off: nothing is moved"
    for one in collections:
        if one.jumbo:
            yield f"{one.collection} has {one.jumbo} jumbo chunks: the balancer can't move them"


def _collections(client: Client, wanted: Wanted) -> Iterator[CollectionStatus]:
    names = {f"{wanted.database}.{one.collection}": one.collection for one in wanted.collections}
    sizes = _sizes(client)
    for found in sorted(sharded_in(client, list(names)), key=lambda found: str(found["_id"])):
        # Chunks name their collection by uuid since 5.0.
        where = {"$or": [{"uuid": found["uuid"]}, {"ns": found["_id"]}]} if "uuid" in found else {"ns": found["_id"]}
        chunks: Counter[str] = Counter()
        jumbo: Counter[str] = Counter()
        for chunk in client["config"]["chunks"].find(where, {"shard": 1, "jumbo": 1}):
            chunks[chunk["shard"]] += 1
            jumbo[chunk["shard"]] += bool(chunk.get("jumbo"))
        sized = sizes.get(found["_id"], {})
        yield CollectionStatus(
            collection=names[found["_id"]],
            key=document(as_key(found["key"])),
            shards={
                name: OnShard(chunks=chunks[name], jumbo=jumbo[name], **sized.get(name, {}))
                for name in sorted({*chunks, *sized})
            },
        )


def _sizes(client: Client) -> dict[str, dict[str, dict[str, int]]]:
    """Documents and bytes by collection and shard. Empty where the server is older than 6.0.3."""
    try:
        rows = client.admin.aggregate([{"$shardedDataDistribution": {}}]).to_list()
    except OperationFailure:
        return {}
    return {
        row["ns"]: {
            shard["shardName"]: {"documents": int(shard["numOwnedDocuments"]), "bytes": int(shard["ownedSizeBytes"])}
            for shard in row["shards"]
        }
        for row in rows
    }


def _balancer(client: Client) -> str:
    try:
        return str(client.admin.command("balancerStatus")["mode"])
    except OperationFailure:
        return "unknown"
