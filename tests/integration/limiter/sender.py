"""One process of the comparison: sends each arrival of its plan to nginx and to the arena's limiter, at its time.

Reads a JSON plan from standard input and answers with ``[client, sent at (monotonic s), nginx admitted, ours, seconds
until both had answered]`` each.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from chalicelib.arena.rate_limits import API, BATTLE
from chalicelib.cache.door import RedisDoor
from chalicelib.cache.errors import CacheUnavailable
from chalicelib.cache.limiter import Limiter
from chalicelib.clock import system_clock
from tests.redis_doors import UNHURRIED

LIMITS = {limit.name: limit for limit in (API, BATTLE)}


class Nginx:
    """A connection that stays open; a request is sent and its answer read apart."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def send(self, limit: str, client: str) -> None:
        self._socket.sendall(f"GET /{limit}?client={client} HTTP/1.1\r\nHost: nginx\r\n\r\n".encode())

    def admitted(self) -> bool:
        status = int(self._answers.readline().split()[1])
        length = 0
        while (line := self._answers.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._answers.read(length)
        assert status in (200, 429), status
        return status == 200


def run(plan: dict[str, Any]) -> Iterator[tuple[str, float, bool, bool, float]]:
    def fail(error: CacheUnavailable) -> None:
        raise AssertionError(f"counted without Redis: {error.reason}")

    nginx = Nginx(plan["nginx"])
    door = RedisDoor.from_urls(plan["redis"], cluster=len(plan["redis"]) > 1, limits=UNHURRIED)
    limiter = Limiter(
        door, plan["database"], system_clock, environment_id=plan["name"], environments_max=4, fell_back=fail
    )
    limiter.admit([API], f"warm-up of {plan['name']}")
    print("ready", flush=True)
    start = float(sys.stdin.readline())
    for at, client, limit in plan["arrivals"]:
        time.sleep(max(0.0, start + at - time.monotonic()))
        sent = time.monotonic()
        nginx.send(limit, client)
        ours = limiter.admit([LIMITS[limit]], client).refusal is None
        theirs = nginx.admitted()
        yield client, sent - start, theirs, ours, time.monotonic() - sent


if __name__ == "__main__":
    print(json.dumps(list(run(json.loads(sys.stdin.readline())))))
