"""Sends the demo's requests through API Gateway, each when its time comes, whatever became of those before."""

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from infra.cli.battle import signed_init_data
from infra.demo.workload import Request

TIMEOUT_SECONDS = 30.0
WORKERS = 64
KINDS: Mapping[str, float] = {"me": 4, "brokers": 3, "leaderboard": 2, "battle": 1}
"""Kinds of requests and their weights."""
_PATHS = {"me": "/api/economy/me", "brokers": "/api/brokers/mine", "leaderboard": "/api/leaderboard?limit=20"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request and its fate."""

    at: float
    """When it was due, seconds from the start."""
    seconds: float
    """From when it was due to its answer: waiting for a free sender counts."""
    status: int
    """0 = no answer."""


class Player:
    """A player at an address of their own, in one of the networks kept for benchmarks (RFC 2544)."""

    def __init__(self, number: int, bot_token: str) -> None:
        self.number = number
        self.broker = ""
        self.headers = {
            "X-Telegram-Init-Data": signed_init_data(bot_token, 910_000 + number),
            "X-Forwarded-For": f"198.{18 + number // 65_536}.{number // 256 % 256}.{number % 256}",
            "Content-Type": "application/json",
        }


@dataclass
class Load:
    """The requests of a run. ``start`` sends them beside the caller until ``stop``."""

    api_url: str
    players: Sequence[Player]
    requests: Sequence[Request]
    sent: list[Sent] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    def enlist(self, log: Callable[[str], None]) -> None:
        """Gives every player a broker to fight with. Raises ``OSError`` when the API does not."""
        with ThreadPoolExecutor(4) as pool:
            for player, (status, body) in zip(
                self.players,
                pool.map(lambda one: self._call(one, "POST", "/api/brokers/starter", {}), self.players),
                strict=True,
            ):
                if status not in (200, 201):
                    raise OSError(f"a player could not begin: {status} {body.decode(errors='replace')}")
                player.broker = json.loads(body)["data"]["_id"]
        log(f"{len(self.players)} players have a broker each")

    def start(self, began: float) -> threading.Thread:
        """``began``: ``time.monotonic()`` of second 0."""
        thread = threading.Thread(target=self._drive, args=(began,), name="load", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """No further request is sent."""
        self._ended.set()

    def _drive(self, began: float) -> None:
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="player")
        for request in self.requests:
            if self._ended.wait(max(0.0, began + request.at - time.monotonic())):
                break
            pool.submit(self._send, request, began)
        pool.shutdown(wait=True, cancel_futures=self._ended.is_set())

    def _send(self, request: Request, began: float) -> None:
        player, kind = self.players[request.player], list(KINDS)[request.kind]
        try:
            if kind == "battle":
                body = {"requestId": str(uuid.uuid4()), "brokerId": player.broker}
                status, _ = self._call(player, "POST", "/api/battle/run", body)
            else:
                status, _ = self._call(player, "GET", _PATHS[kind])
        except (OSError, http.client.HTTPException):
            status = 0
        self.sent.append(Sent(request.at, time.monotonic() - began - request.at, status))

    def _call(
        self, player: Player, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> tuple[int, bytes]:
        parts = urlsplit(self.api_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, parts.path + path, data, player.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
