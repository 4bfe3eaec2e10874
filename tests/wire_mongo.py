"""A server that speaks MongoDB's wire protocol (OP_MSG) and leaves every answer to the test.

MockupDB would do, but its last release is of 2021, for Python 3.8.
"""

import contextlib
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

from bson import BSON, decode
from bson.codec_options import CodecOptions

OP_QUERY, OP_REPLY, OP_MSG = 2004, 1, 2013
_HEADER = struct.Struct("<iiii")
_DOCUMENT, _SEQUENCE = 0, 1
_TZ_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)

Command = dict[str, Any]
Answer = Callable[[str, Command], Command]
"""Given database and command; gives the reply."""


class Dropped(Exception):
    """Raised by an ``Answer``: the connection breaks without a reply."""


class Refused(Exception):
    """Raised by an ``Answer``: an error reply."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.reply = {"ok": 0.0, "code": code, "errmsg": message}


@contextlib.contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Runs the server on loopback; gives its connection string."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(Dropped, ConnectionError):
                while self._one():
                    pass

        def _one(self) -> bool:
            header = self._read(_HEADER.size)
            if not header:
                return False
            length, request_id, _, code = _HEADER.unpack(header)
            database, command = _parsed(code, self._read(length - _HEADER.size))
            try:
                reply = {"ok": 1.0, **answer(database, command)}
            except Refused as error:
                reply = error.reply
            self.request.sendall(_packed(code, request_id, reply))
            return True

        def _read(self, size: int) -> bytes:
            found = b""
            while len(found) < size:
                more = self.request.recv(size - len(found))
                if not more:
                    return b""
                found += more
            return found

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Connection) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"mongodb://127.0.0.1:{server.server_address[1]}/?retryReads=false&serverSelectionTimeoutMS=30000"
        finally:
            server.shutdown()
            thread.join()


def _parsed(code: int, body: bytes) -> tuple[str, Command]:
    if code == OP_QUERY:
        # The first hello of a connection.
        name, _, rest = body[4:].partition(b"\0")
        return name.decode().partition(".")[0], dict(decode(rest[8:], _TZ_AWARE))
    assert code == OP_MSG, code
    command: Command = {}
    lists: Command = {}
    at = 4
    while at < len(body):
        kind, at = body[at], at + 1
        (size,) = struct.unpack_from("<i", body, at)
        if kind == _DOCUMENT:
            command = dict(decode(body[at : at + size], _TZ_AWARE))
        else:
            assert kind == _SEQUENCE, kind
            name, _, documents = body[at + 4 : at + size].partition(b"\0")
            lists[name.decode()] = list(_documents(documents))
        at += size
    return str(command.pop("$db")), {**command, **lists}


def _documents(raw: bytes) -> Iterator[Command]:
    while raw:
        (size,) = struct.unpack_from("<i", raw)
        yield dict(decode(raw[:size], _TZ_AWARE))
        raw = raw[size:]


def _packed(code: int, request_id: int, reply: Command) -> bytes:
    encoded = bytes(BSON.encode(reply))
    if code == OP_QUERY:
        body, kind = struct.pack("<iqii", 0, 0, 0, 1) + encoded, OP_REPLY
    else:
        body, kind = struct.pack("<IB", 0, _DOCUMENT) + encoded, OP_MSG
    return _HEADER.pack(_HEADER.size + len(body), 0, request_id, kind) + body
