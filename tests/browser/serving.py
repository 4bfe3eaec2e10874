"""HTTP servers on loopback for a browser: the app itself, or answers on paper."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chalice.app import Chalice

from tests.gateway import Answer, call

Handler = Callable[[str, str, Mapping[str, str], bytes | None], Answer]
"""Method, path with its query, headers (names in lower case) and body → the answer."""

STAGE = "/stage"
"""Pages must do with any path before theirs: API Gateway's stage is in every address."""


_TURN = threading.Lock()


def in_turn(
    app: Chalice, method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """``call``, one at a time whoever asks, as an environment serves them: the app has one place for its request."""
    with _TURN:
        return call(app, method, url, body, headers)


def app_handler(app: Chalice) -> Handler:
    """Each request becomes the event API Gateway would send."""

    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        return in_turn(app, method, path, body, headers)

    return handle


@contextlib.contextmanager
def served(handle: Handler) -> Iterator[str]:
    """The base address (with a stage, ending in a slash) at which ``handle`` answers until the block ends."""

    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = handle(self.command, self.path.removeprefix(STAGE), headers, body)
            raw = answer.text.encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            # A browser that has gone elsewhere meanwhile misses nothing.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(raw)

        do_GET = do_POST = do_DELETE = do_OPTIONS = answer  # noqa: N815 (the library's names)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Request)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{STAGE}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
