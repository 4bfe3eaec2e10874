"""A WebSocket gateway in this process, and clients for it."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from websockets.sync.client import ClientConnection, connect

from localcloud.ports import LOOPBACK
from localcloud.websocket.gateway import Gateway, Limits

REGION = "us-east-1"
PATIENCE_SECONDS = 60.0


@dataclass
class DirectFunctions:
    """``localcloud.websocket.functions.Functions`` that calls handlers in this process, and keeps their events."""

    handlers: Mapping[str, Callable[[Any, Any], dict[str, Any]]]
    events: list[tuple[str, dict[str, Any]]]

    def invoke(self, region: str, route: str, event: Mapping[str, Any]) -> dict[str, Any]:
        # Through JSON, as Lambda does it.
        self.events.append((route, json.loads(json.dumps(event))))
        return json.loads(json.dumps(self.handlers[route](self.events[-1][1], None)))  # type: ignore[no-any-return]


@contextlib.contextmanager
def running_gateway(functions: Any, limits: Limits | None = None) -> Iterator[str]:
    """``host:port`` of a gateway for ``REGION``, served by a thread until the block ends."""
    loop = asyncio.new_event_loop()
    application = Gateway(functions, [REGION], limits).application()
    # What a connection's end sets off is done when the block has ended.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=PATIENCE_SECONDS)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, 0).start()

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"{LOOPBACK}:{runner.addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_SECONDS)
        loop.close()


@contextlib.contextmanager
def client(url: str, init_data: str | None = None, **options: Any) -> Iterator[ClientConnection]:
    """A connection, signed in by the query as browsers do; ``options`` are those of ``connect``.

    It does not ask whether the gateway is still there: one that waits for a function says nothing meanwhile.
    """
    query = "" if init_data is None else "?" + urlencode({"initData": init_data})
    patience: dict[str, Any] = {"open_timeout": PATIENCE_SECONDS, "close_timeout": PATIENCE_SECONDS}
    with connect(url + query, ping_interval=None, **patience, **options) as socket:
        yield socket


def say(socket: ClientConnection, **message: Any) -> Any:
    """Sends a message and returns the next one that comes."""
    socket.send(json.dumps(message))
    return hear(socket)


def hear(socket: ClientConnection, *, of_type: str | None = None, seconds: float = PATIENCE_SECONDS) -> Any:
    """The next message, or the next of a type. Fails when none comes for ``seconds``."""
    while True:
        found = json.loads(socket.recv(timeout=seconds))
        if of_type in (None, found["type"]):
            return found
