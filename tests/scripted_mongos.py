"""A sharded cluster on paper, behind the wire protocol: enough of a mongos to be planned for, sharded and looked at.

What it accepts and refuses is what MongoDB does; ``test_shard_real.py`` runs the same plans on real config servers
and shards.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from bson import MaxKey, MinKey

from tests.wire_mongo import Command, Dropped, Refused

MAX_WIRE_VERSION = 25


class ScriptedMongos:
    """A cluster of ``shards``; ``answer`` goes to ``wire_mongo.served``."""

    def __init__(self, shards: int = 4, version: tuple[int, int, int] = (8, 0, 4)) -> None:
        self.version = version
        self.router = True
        self.config: dict[str, list[Command]] = {
            "shards": [{"_id": f"s{number}", "host": f"s{number}/h", "state": 1} for number in range(shards)],
            **{name: [] for name in ("tags", "databases", "collections", "chunks")},
        }
        self.documents: defaultdict[str, list[Command]] = defaultdict(list)
        """By ``database.collection``."""
        self.indexes: dict[str, list[Command]] = {}
        self.made: list[str] = []
        """Collections that were made by themselves."""
        self.sizes: list[Command] | None = []
        """Of ``$shardedDataDistribution``; None on a server that does not know it."""
        self.balancer = "full"
        self.admin: list[Command] = []
        """Commands that changed something, or would have."""
        self.fails: dict[int, Exception] = {}
        """What happens to the n-th of them, instead."""
        self.loses: set[int] = set()
        """Numbers of commands that are carried out and whose answers get lost."""

    def answer(self, database: str, command: Command) -> Command:
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return {
                **{"isWritablePrimary": True, "ismaster": True, "helloOk": True, "readOnly": False},
                **({"msg": "isdbgrid"} if self.router else {}),
                **{"maxBsonObjectSize": 2**24, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000},
                **{"minWireVersion": 0, "maxWireVersion": MAX_WIRE_VERSION, "logicalSessionTimeoutMinutes": 30},
            }
        handler = getattr(self, f"_{name}", None)
        if handler is None:
            raise Refused(59, f"no such command: '{name}'")
        if name not in CHANGES:
            return dict(handler(database, command))
        number = len(self.admin)
        self.admin.append({key: value for key, value in command.items() if key not in ("lsid", "$clusterTime")})
        if number in self.fails:
            raise self.fails.pop(number)
        reply = handler(database, command)
        if number in self.loses:
            raise Dropped
        return dict(reply)

    def shape(self) -> Command:
        """Everything that can be compared between two clusters."""
        tags = [{key: value for key, value in tag.items() if key != "_id"} for tag in self.config["tags"]]
        return deepcopy({**self.config, "tags": tags, "indexes": self.indexes, "made": self.made})

    def _ping(self, database: str, command: Command) -> Command:
        return {}

    def _endSessions(self, database: str, command: Command) -> Command:  # noqa: N802 (the command's name)
        return {}

    def _buildInfo(self, database: str, command: Command) -> Command:  # noqa: N802
        return {"version": ".".join(map(str, self.version)), "versionArray": [*self.version, 0]}

    def _balancerStatus(self, database: str, command: Command) -> Command:  # noqa: N802
        return {"mode": self.balancer}

    def _find(self, database: str, command: Command) -> Command:
        collection = command["find"]
        held = self.config[collection] if database == "config" else self.documents[f"{database}.{collection}"]
        found = [document for document in held if _matches(document, command.get("filter", {}))]
        return _cursor(database, collection, found[: command.get("limit") or None])

    def _aggregate(self, database: str, command: Command) -> Command:
        if self.sizes is None:
            raise Refused(40324, "Unrecognized pipeline stage name: '$shardedDataDistribution'")
        return _cursor(database, "$cmd.aggregate", self.sizes)

    def _listIndexes(self, database: str, command: Command) -> Command:  # noqa: N802
        namespace = f"{database}.{command['listIndexes']}"
        if namespace not in self.indexes:
            raise Refused(26, f"ns does not exist: {namespace}")
        return _cursor(database, command["listIndexes"], self.indexes[namespace])

    def _listCollections(self, database: str, command: Command) -> Command:  # noqa: N802
        wanted = command["filter"]["name"]["$in"]
        found = [{"name": name, "type": "collection"} for name in self.made if name in wanted]
        return _cursor(database, "$cmd.listCollections", found)

    def _create(self, database: str, command: Command) -> Command:
        if command["create"] in self.made:
            raise Refused(48, f"Collection already exists. NS: {database}.{command['create']}")
        self.made.append(command["create"])
        return {}

    def _createIndexes(self, database: str, command: Command) -> Command:  # noqa: N802
        there = self.indexes.setdefault(f"{database}.{command['createIndexes']}", [{"key": {"_id": 1}, "name": "_id_"}])
        there += [index for index in command["indexes"] if index not in there]
        return {}

    def _addShardToZone(self, database: str, command: Command) -> Command:  # noqa: N802
        for shard in self.config["shards"]:
            if shard["_id"] == command["addShardToZone"]:
                shard["tags"] = sorted({*shard.get("tags", ()), command["zone"]})
                return {}
        raise Refused(70, f"shard {command['addShardToZone']} does not exist")

    def _updateZoneKeyRange(self, database: str, command: Command) -> Command:  # noqa: N802
        if not any(command["zone"] in shard.get("tags", ()) for shard in self.config["shards"]):
            raise Refused(177, f"zone {command['zone']} does not exist")
        tag = {
            "ns": command["updateZoneKeyRange"],
            "min": command["min"],
            "max": command["max"],
            "tag": command["zone"],
        }
        if tag not in self.config["tags"]:
            self.config["tags"].append(tag)
        return {}

    def _enableSharding(self, database: str, command: Command) -> Command:  # noqa: N802
        self.config["databases"].append({"_id": command["enableSharding"], "primary": "s0"})
        return {}

    def _shardCollection(self, database: str, command: Command) -> Command:  # noqa: N802
        namespace, key = command["shardCollection"], dict(command["key"])
        for index in self.indexes.get(namespace, ()):
            fields = list(index["key"])
            if index.get("unique") and fields[: len(key)] != list(key):
                raise Refused(72, f"can't shard collection '{namespace}' with unique index on {index['key']}")
        tags = [tag for tag in self.config["tags"] if tag["ns"] == namespace]
        presplit = command.get("presplitHashedZones", False)
        if presplit and (self.documents[namespace] or not tags):
            raise Refused(
                31387, "'presplitHashedZones' is only supported when the collection is empty, zones are set up"
            )
        if presplit and any(isinstance(next(iter(tag["min"].values())), MinKey) for tag in tags) and len(key) > 1:
            first = next(iter(key.values()))
            if first != "hashed":
                raise Refused(31388, "Cannot have MinKey or MaxKey in the lower bound")
        self.config["collections"].append({"_id": namespace, "key": key, "uuid": namespace, "unique": False})
        self.config["chunks"] += self._split(namespace, key, tags[0]["tag"] if tags else None, command)
        return {"collectionsharded": namespace}

    def _split(self, namespace: str, key: Command, zone: str | None, command: Command) -> Iterator[Command]:
        homes = [s["_id"] for s in self.config["shards"] if zone is None or zone in s.get("tags", ())]
        for number in range(command.get("numInitialChunks", 1) if command.get("presplitHashedZones") else 1):
            edges = {"min": dict.fromkeys(key, MinKey()), "max": dict.fromkeys(key, MaxKey())}
            yield {"uuid": namespace, "shard": homes[number % len(homes)], **edges}


CHANGES = {"create", "createIndexes", "addShardToZone", "updateZoneKeyRange", "enableSharding", "shardCollection"}


def _cursor(database: str, collection: str, batch: list[Command]) -> Command:
    return {"cursor": {"id": 0, "ns": f"{database}.{collection}", "firstBatch": batch}}


def _matches(document: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(_meets(document, name, condition) for name, condition in where.items())


def _meets(document: Mapping[str, Any], name: str, condition: Any) -> bool:
    if name == "$or":
        return any(_matches(document, one) for one in condition)
    match condition:
        case {"$in": values}:
            return document.get(name) in values
        case {"$ne": value}:
            return bool(document.get(name) != value)
        case {"$exists": False}:
            return name not in document
        case {"$type": "array"}:
            return isinstance(document.get(name), list)
        case _:
            return bool(document.get(name) == condition)
