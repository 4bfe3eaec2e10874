"""The Lambda Runtime API (version 2018-06-01) for one runtime process, on a loopback port of its own.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import re
import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from arena_lambda.exchange import Answer, Exchange

_PREFIX = "/2018-06-01/runtime"
_ANSWER_PATH = re.compile(rf"{_PREFIX}/invocation/(?P<request_id>[^/]+)/(?P<kind>response|error)")


class RuntimeApiServer(ThreadingHTTPServer):
    """Serves one Exchange; each connection has a thread, since ``next`` blocks until there is work."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeApiHandler)
        self.exchange = exchange
        self._closing = threading.Event()
        self._accepting = threading.Thread(target=self._accept, name=f"runtime-api-{self.server_port}", daemon=True)

    @property
    def address(self) -> str:
        """``host:port``, the form of AWS_LAMBDA_RUNTIME_API."""
        return f"127.0.0.1:{self.server_port}"

    def start(self) -> None:
        """Accept connections in the background."""
        self._accepting.start()

    def close(self) -> None:
        """Stop accepting and free the port. Idempotent."""
        if self._closing.is_set():
            return
        self._closing.set()
        # accept() has no portable wake-up of its own: a connection is one.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server_port), timeout=1):
            pass
        self._accepting.join(timeout=2)
        self.server_close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            self.handle_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """A process killed in mid-request breaks its connection; the process watcher reports that, not we."""


class _RuntimeApiHandler(BaseHTTPRequestHandler):
    server: RuntimeApiServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one segment

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            self._reply(HTTPStatus.NOT_FOUND)
            return
        invocation = self.server.exchange.next(self._client_is_there)
        if invocation is None:
            self.close_connection = True
            self._reply(HTTPStatus.GONE)
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        self._reply(HTTPStatus.OK, invocation.payload, headers)

    def do_POST(self) -> None:
        body = self._body()
        if self.path == f"{_PREFIX}/init/error":
            self.server.exchange.fail_init(body)
            self._reply(HTTPStatus.ACCEPTED)
            return
        matched = _ANSWER_PATH.fullmatch(self.path)
        if matched is None:
            self._reply(HTTPStatus.NOT_FOUND)
            return
        answer = Answer(body, is_error=matched["kind"] == "error")
        delivered = self.server.exchange.answer(matched["request_id"], answer)
        self._reply(HTTPStatus.ACCEPTED if delivered else HTTPStatus.BAD_REQUEST)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line per request would drown LocalStack's log."""

    def _client_is_there(self) -> bool:
        """Whether the connection is open: a client that waits for its answer sends nothing, one that died sends EOF."""
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _reply(self, status: HTTPStatus, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
