"""The gateway as a supervised server."""

import sys
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from localcloud.ports import LOOPBACK
from localcloud.server import Server

DEFAULT_PORT = 4580
_PROBE_SECONDS = 1.0


@dataclass(frozen=True)
class WebSocketGateway:
    """One process on loopback for all ``regions``; ``stack`` names the deployed stack in each."""

    port: int
    localstack_url: str
    stack: str
    regions: tuple[str, ...]

    def url(self, region: str) -> str:
        """Where clients of ``region`` connect."""
        return f"ws://{LOOPBACK}:{self.port}/{region}"

    def management_url(self, region: str) -> str:
        """What stands for the management API's endpoint of ``region``."""
        return f"http://{LOOPBACK}:{self.port}/{region}"

    def server(self) -> Server:
        return Server(
            name="websocket",
            command=[
                *(sys.executable, "-m", "localcloud.websocket"),
                *("--port", str(self.port)),
                *("--localstack", self.localstack_url),
                *("--stack", self.stack),
                *("--regions", ",".join(self.regions)),
            ],
            ready=self.answers,
            directory=Path(__file__).resolve().parents[2],
            stop_seconds=5,
        )

    def answers(self) -> bool:
        """Whether it serves."""
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/_health", timeout=_PROBE_SECONDS) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False
