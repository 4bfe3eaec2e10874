"""A real config server and real shards, behind a stand-in for mongos.

There is no mongos to install from a registry. What one does with the commands that plan and apply send is to pass them
on, under the names config servers and shards know them by among themselves; so does ``Front``. It routes no documents.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from localcloud.mongod import mongod_binary
from localcloud.ports import free_ports
from localcloud.server import Server
from tests.servers import supervised
from tests.wire_mongo import Command, Refused, served

_MAJORITY = {"w": "majority", "wtimeout": 30_000}
_OWN = {"lsid", "$clusterTime", "$readPreference", "writeConcern", "readConcern", "maxTimeMS"}
_CONFIG_COMMANDS = {
    "addShardToZone": "_configsvrAddShardToZone",
    "updateZoneKeyRange": "_configsvrUpdateZoneKeyRange",
    "enableSharding": "_configsvrCreateDatabase",
}


@dataclass(frozen=True)
class Member:
    """A replica set of one."""

    name: str
    role: str
    port: int

    @property
    def address(self) -> str:
        return f"{self.name}/127.0.0.1:{self.port}"

    def client(self, milliseconds: int = 30_000) -> MongoClient[Command]:
        where = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"
        return MongoClient(f"{where}&serverSelectionTimeoutMS={milliseconds}")

    def server(self, data: Path) -> Server:
        command = [str(mongod_binary()), self.role, "--replSet", self.name, "--port", str(self.port)]
        command += ["--bind_ip", "127.0.0.1", "--dbpath", str(data), "--nounixsocket"]
        command += ["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "32"]
        command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        command += ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]
        return Server(name=self.name, command=command, ready=partial(_is_primary, self), stop_seconds=0.5)


def _is_primary(member: Member) -> bool:
    one: Command = {"_id": member.name, "members": [{"_id": 0, "host": f"127.0.0.1:{member.port}"}]}
    if member.role == "--configsvr":
        one["configsvr"] = True
    try:
        with member.client(500) as client:
            with contextlib.suppress(OperationFailure):
                client.admin.command("replSetInitiate", one)
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False


class Front:
    """``answer`` goes to ``wire_mongo.served``. The first shard is every database's primary one."""

    def __init__(self, config: MongoClient[Command], primary: MongoClient[Command], primary_name: str) -> None:
        self._config = config
        self._primary = primary
        self._primary_name = primary_name

    def answer(self, database: str, command: Command) -> Command:
        name = next(iter(command))
        bare = {key: value for key, value in command.items() if key not in _OWN}
        if name.lower() in ("hello", "ismaster"):
            hello = self._config.admin.command("hello")
            kept = ("maxBsonObjectSize", "maxMessageSizeBytes", "maxWriteBatchSize", "minWireVersion", "maxWireVersion")
            return {"isWritablePrimary": True, "ismaster": True, "msg": "isdbgrid", **{k: hello[k] for k in kept}}
        try:
            if name in _CONFIG_COMMANDS:
                return self._to_config(name, bare)
            if name == "shardCollection":
                return self._shard(bare)
            target = self._config if database == "config" else self._primary
            return dict(target[database].command(bare))
        except OperationFailure as error:
            raise Refused(error.code or 1, str((error.details or {}).get("errmsg"))) from error

    def _to_config(self, name: str, bare: Command) -> Command:
        inner = _CONFIG_COMMANDS[name]
        renamed = {inner if key == name else key: value for key, value in bare.items()}
        if name == "enableSharding":
            renamed["primaryShardId"] = self._primary_name
        return dict(self._config.admin.command({**renamed, "writeConcern": _MAJORITY}))

    def _shard(self, bare: Command) -> Command:
        database, _, collection = bare["shardCollection"].partition(".")
        found = self._config["config"]["databases"].find_one({"_id": database})
        if found is None:
            raise Refused(20, f"sharding is not enabled for {database}")
        others = {key: value for key, value in bare.items() if key not in ("shardCollection", "key")}
        inner = {"_shardsvrCreateCollection": collection, "shardKey": bare["key"], "databaseVersion": found["version"]}
        return dict(self._primary[database].command({**inner, **others, "writeConcern": _MAJORITY}))


@dataclass(frozen=True)
class RealShards:
    uri: str
    """Of the front."""
    config: MongoClient[Command]
    primary: MongoClient[Command]


@contextlib.contextmanager
def real_shards(count: int) -> Iterator[RealShards]:
    """Ready in about six seconds."""
    with supervised() as (supervisor, state), contextlib.ExitStack() as stack:
        ports = free_ports(count + 1)
        members = [Member("config", "--configsvr", ports[0])]
        members += [Member(f"shard-{number}", "--shardsvr", port) for number, port in enumerate(ports[1:])]
        supervisor.start([member.server(state.server_data(member.name)) for member in members])
        config = stack.enter_context(members[0].client())
        primary = stack.enter_context(members[1].client())
        for member in members[1:]:
            adding: Any = {"_configsvrAddShard": member.address, "name": member.name, "writeConcern": _MAJORITY}
            config.admin.command(adding)
        uri = stack.enter_context(served(Front(config, primary, members[1].name).answer))
        yield RealShards(uri, config, primary)
