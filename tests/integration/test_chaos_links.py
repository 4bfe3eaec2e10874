"""What stands between regions, before a cloud that notes what arrives."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from infra.chaos.links import CUT, DEAF, LATE_SECONDS, SLOW, Links
from localcloud.ports import LOOPBACK, free_ports
from tests.redis_doors import eventually

HERE, THERE = "us-east-1", "eu-west-1"
API = "/_aws/execute-api/abc/api"
PATIENCE_SECONDS = 20


class Cloud(ThreadingHTTPServer):
    """Says 200 to everything."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        super().__init__((LOOPBACK, 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert isinstance(self.server, Cloud)
        self.server.heard.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "12345")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def links(cloud: Cloud) -> Iterator[tuple[Links, int]]:
    port, *ports = free_ports(3)
    with Links(
        f"http://{LOOPBACK}:{cloud.server_address[1]}", port, dict(zip((HERE, THERE), ports, strict=True))
    ) as one:
        one.know({THERE: API})
        yield one, port


def send_event(port: int, *, source: str = HERE, target: str = THERE, queue: str = "arena-replication") -> int:
    """As a publisher does, and a receiver that buries an event."""
    message = json.dumps({"sourceRegion": source, "eventId": "e"})
    body = {"QueueUrl": f"http://x/queue/{target}/0/{queue}", "Entries": [{"Id": "0", "MessageBody": message}]}
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential=test/20261130/{target}/sqs/aws4_request, SignedHeaders=x"}
    return requests.post(
        f"http://{LOOPBACK}:{port}/", data=json.dumps(body), headers=signed, timeout=PATIENCE_SECONDS
    ).status_code


def call_home(links: Links) -> int:
    return requests.post(f"{links.address(HERE)}{API}/api/battle/run", data=b"{}", timeout=PATIENCE_SECONDS).status_code


def lost(links: Links, ask: Any) -> bool:
    """Whether whoever asks hears nothing until the link is mended, and then that the connection is gone."""
    with ThreadPoolExecutor(1) as pool:
        before = links.lost
        asked = pool.submit(ask)
        eventually("it is lost", lambda: links.lost > before, seconds=PATIENCE_SECONDS)
        silent = not asked.done()
        links.mend_all()
        return silent and isinstance(asked.exception(PATIENCE_SECONDS), requests.ConnectionError)


def test_everything_passes_while_no_link_is_struck(links: tuple[Links, int], cloud: Cloud) -> None:
    one, port = links
    assert (send_event(port), call_home(one)) == (200, 200)
    assert [path for path, _ in cloud.heard] == ["/", f"{API}/api/battle/run"]
    assert (one.passed, one.lost) == (2, 0)


def test_how_long_something_is_can_be_asked_for(links: tuple[Links, int]) -> None:
    answer = requests.head(f"http://{LOOPBACK}:{links[1]}/bucket/key", timeout=PATIENCE_SECONDS)
    assert answer.headers["Content-Length"] == "12345"


def test_what_is_sent_over_a_cut_link_never_arrives(links: tuple[Links, int], cloud: Cloud) -> None:
    one, port = links
    one.set(HERE, THERE, CUT)
    assert lost(one, lambda: send_event(port))
    one.set(HERE, THERE, CUT)
    assert lost(one, lambda: call_home(one))
    assert cloud.heard == []


def test_what_is_sent_over_a_deaf_link_arrives_and_nobody_hears_of_it(links: tuple[Links, int], cloud: Cloud) -> None:
    one, port = links
    one.set(HERE, THERE, DEAF)
    assert lost(one, lambda: send_event(port))
    assert len(cloud.heard) == 1


def test_a_slow_link_takes_its_time(links: tuple[Links, int], cloud: Cloud) -> None:
    one, port = links
    one.set(HERE, THERE, SLOW)
    began = time.monotonic()
    assert send_event(port) == 200
    assert time.monotonic() - began >= LATE_SECONDS


def test_a_link_is_one_way_and_one_pair_s(links: tuple[Links, int]) -> None:
    one, port = links
    one.set(HERE, THERE, CUT)
    assert send_event(port, source=THERE, target=HERE) == 200
    assert send_event(port, source="ap-southeast-1") == 200


def test_what_a_region_does_with_an_event_at_home_is_no_link(links: tuple[Links, int], cloud: Cloud) -> None:
    """An event it buries names the region it came from, too."""
    one, port = links
    one.set(HERE, THERE, CUT)
    assert send_event(port, queue="arena-replication-dead") == 200
    assert (one.passed, len(cloud.heard)) == (0, 1)
