"""Instances of the arena for a front: processes that each serve ``app.py`` over HTTP/1.1 and WebSocket echoes.

Each tells by headers who it is, how many connections it has accepted, and what it was sent.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from localcloud.ports import LOOPBACK, free_ports
from tests.children import fork_server
from tests.gateway import call

_WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
WELL, SICK, FAILING = 0, 1, 2
"""What an instance does: serves; says 503 to /health; answers 500 to everything but /health."""


class Handler(BaseHTTPRequestHandler):
    """Serves one connection. What it is and does is the server's."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1024 * 1024
    """An answer is one write: whoever is killed has said all of it or nothing, and nobody can repeat half of one."""
    server: "Instance"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._echo()
            return
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        state, asked_for_health = self.server.state.value, self.path.endswith("/health")
        if (state == SICK and asked_for_health) or (state == FAILING and not asked_for_health):
            self._answer(503 if state == SICK else 500, {}, b"{}")
        elif asked_for_health and not self.server.has_arena:
            self._answer(200, {}, b"{}")
        elif self.path.startswith("/api/seen"):
            seen = {"path": self.path, "method": self.command, "headers": self._told()}
            self._answer(200, {"content-type": "application/json"}, json.dumps(seen).encode())
        else:
            answer = call(self._app(), self.command, self.path, body, self._headers(), self.client_address[0])
            self._answer(answer.status, dict(answer.headers), answer.text.encode())

    def _app(self) -> Any:
        import app as composition

        return composition.app

    def _told(self) -> dict[str, str]:
        """By lower-case name; those that came more than once with a bar between."""
        return {name.lower(): " | ".join(self.headers.get_all(name) or []) for name in self.headers}

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        sent = {**headers, "X-Instance": self.server.name, "X-Accepted": str(self.server.accepted)}
        for name, value in sent.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)

    def _echo(self) -> None:
        """Says who it is, then echoes texts of up to 125 bytes until the other side leaves."""
        key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET_GUID
        accept = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
        self.send_response_only(101)
        for name, value in {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}.items():
            self.send_header(name, value)
        self.end_headers()
        self._send_text(f"{self.server.name} {self.path}".encode())
        self.close_connection = True
        while (head := self.rfile.read(2)) and head[0] & 0x0F == 1:
            mask, sent = self.rfile.read(4), self.rfile.read(head[1] & 0x7F)
            self._send_text(bytes(byte ^ mask[place % 4] for place, byte in enumerate(sent)))

    def _send_text(self, text: bytes) -> None:
        self.wfile.write(bytes([0x81, len(text)]) + text)
        self.wfile.flush()

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: every request would write a line."""


class Instance(ThreadingHTTPServer):
    """One server."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, name: str, state: "Synchronized[int]", has_arena: bool) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.name = name
        self.state = state
        self.has_arena = has_arena
        self.accepted = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.accepted += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients that leave are part of the tests."""


def serve(port: int, name: str, environ: dict[str, str], state: "Synchronized[int]", ready: Any) -> None:
    """The life of one instance; an empty ``environ`` gives it no arena."""
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    if environ:
        from chalicelib import wiring
        from chalicelib.settings import load
        from tests.installed import Fixed

        wiring.install(Fixed(wiring.Arena(load(environ))))
    instance = Instance(port, name, state, bool(environ))
    ready.set()
    instance.serve_forever()


@dataclass
class Running:
    """One instance, from outside."""

    name: str
    port: int
    process: BaseProcess
    state: "Synchronized[int]"

    def kill(self) -> None:
        """At once, as a lost machine."""
        self.process.kill()
        self.process.join()


@contextmanager
def instances(names: Sequence[str], environ: dict[str, str] | None = None) -> Iterator[list[Running]]:
    """Running instances, in the order of ``names``; ``environ`` holds the settings of their arena."""
    context = fork_server()
    running: list[Running] = []
    started = []
    try:
        for name, port in zip(names, free_ports(len(names)), strict=True):
            state, ready = context.Value("i", WELL), context.Event()
            process = context.Process(target=serve, args=(port, name, environ or {}, state, ready), daemon=True)
            process.start()
            running.append(Running(name, port, process, state))
            started.append(ready)
        for ready in started:
            assert ready.wait(60), "an instance does not start"
        yield running
    finally:
        for one in running:
            one.process.kill()
            one.process.join()
