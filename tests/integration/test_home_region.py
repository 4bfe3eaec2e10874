"""Asking another region over HTTP: answers, refusals, and what goes wrong on the way."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from chalicelib.errors import Unavailable
from chalicelib.messaging.home_region import ANSWER_BYTES_MAX, HomeRegionApi


class Region(BaseHTTPRequestHandler):
    """Answers by the path."""

    seen: ClassVar[list[tuple[str, bytes, str | None]]] = []

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.seen.append((self.path, self.rfile.read(length), self.headers.get("X-Request-Id")))
        status, body = {
            "/ok": (200, b"done"),
            "/refused": (409, b"no"),
            "/odd": (200, b"\xff"),
            "/moved": (302, b""),
            "/kept": (307, b""),
            "/endless": (200, b"x" * (ANSWER_BYTES_MAX + 1)),
        }.get(self.path, (200, b"cut off"))
        self.send_response(status)
        if status in (302, 307):
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(body) + (9 if self.path == "/cut" else 0)))
        self.send_header("Retry-After", "3")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Silent."""


@pytest.fixture
def region() -> Iterator[str]:
    Region.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Region) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_answers_and_refusals_come_back_as_they_are(region: str) -> None:
    api = HomeRegionApi(timeout_seconds=30)
    answer = api.ask("POST", f"{region}/ok", {"x-request-id": "r1"}, b'{"a": 1}')
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (200, "done", "3")
    assert Region.seen == [("/ok", b'{"a": 1}', "r1")]
    refusal = api.ask("POST", f"{region}/refused", {}, b"")
    assert (refusal.status, refusal.body) == (409, "no")


@pytest.mark.parametrize("path", ["/cut", "/odd"])
def test_an_answer_that_is_none_is_no_answer(region: str, path: str) -> None:
    with pytest.raises(Unavailable, match="can't be reached"):
        HomeRegionApi(timeout_seconds=2).ask("POST", region + path, {}, b"")


@pytest.mark.parametrize("path", ["/moved", "/kept", "/endless"])
def test_a_players_sign_in_is_taken_nowhere_else(region: str, path: str) -> None:
    with pytest.raises(Unavailable):
        HomeRegionApi(timeout_seconds=30).ask("POST", region + path, {"x-telegram-init-data": "secret"}, b"{}")
    assert [seen for seen, _, _ in Region.seen] == [path]


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "data:text/plain,x", "nothing"])
def test_an_address_that_is_not_of_the_web_is_not_asked(url: str) -> None:
    with pytest.raises(Unavailable):
        HomeRegionApi(timeout_seconds=2).ask("GET", url, {}, b"")


def test_nobody_there() -> None:
    with pytest.raises(Unavailable):
        HomeRegionApi(timeout_seconds=2).ask("POST", "http://127.0.0.1:1/x", {}, b"")
