"""Requests of two lengths: what a front and an instance would end at different places, no instance ever sees whole."""

import socket
from collections.abc import Iterator

import pytest

from localcloud.ports import LOOPBACK
from tests.integration.fronts.instances import Running
from tests.integration.fronts.world import KINDS, Started, front_of, started

HIDDEN = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Smuggled: 1\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
_END = b"0\r\n\r\n"
BEGINNINGS = {
    "a length and chunks": b"Content-Length: %d\r\n" % len(_END + HIDDEN) + CHUNKED,
    "chunks and a length": CHUNKED + b"Content-Length: 3\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(_END + HIDDEN),
    "chunks in other words": b"Content-Length: 3\r\nTransfer-Encoding : chunked\r\n",
    "chunks twice": b"Content-Length: 3\r\nTransfer-Encoding: identity\r\n" + CHUNKED,
    "a folded line": b"Content-Length: 3\r\nTransfer-Encoding:\r\n chunked\r\n",
    "a signed length": b"Content-Length: +%d\r\n" % len(_END + HIDDEN),
}


@pytest.fixture(scope="module", params=KINDS)
def front(request: pytest.FixtureRequest, three: list[Running]) -> Iterator[Started]:
    with started(request.param, front_of(three)) as (one,):
        yield one


def said(front: Started, lengths: bytes) -> bytes:
    """All that comes back for a request with these ``lengths`` and a hidden one behind it."""
    with socket.create_connection((LOOPBACK, front.front.http_port), timeout=60) as raw:
        head = b"POST /api/seen HTTP/1.1\r\nHost: x\r\n" + lengths + b"\r\n"
        raw.sendall(head + _END + HIDDEN)
        raw.shutdown(socket.SHUT_WR)
        found = b""
        while part := raw.recv(65536):
            found += part
    return found


@pytest.mark.parametrize("lengths", BEGINNINGS.values(), ids=BEGINNINGS)
def test_what_hides_behind_a_request_reaches_no_instance(front: Started, lengths: bytes) -> None:
    answers = said(front, lengths)
    assert b"aiba_" not in answers
    assert b"x-smuggled" not in answers.lower()
    client = front.client("127.0.9.1")
    for number in range(6):
        seen = client.ask(f"/api/seen/{number}").json
        assert seen["path"] == f"/api/seen/{number}"
        assert "x-smuggled" not in seen["headers"]
    client.close()
