"""A server that speaks as much of Redis' protocol as a test needs, and misbehaves as told."""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from threading import Event, Lock, Thread
from typing import BinaryIO

Send = Callable[[bytes], None]
Answer = Callable[[list[str], Send], None]
"""Is given a command's words and a way to send bytes."""

HELLO = b"%1\r\n$5\r\nproto\r\n:3\r\n"


def silence(command: list[str], send: Send) -> None:
    """Accepts everything, answers nothing."""


def dripping(seconds: float) -> Answer:
    """Answers, one byte at a time, with a pause before each."""

    def answer(command: list[str], send: Send) -> None:
        for byte in HELLO if command[0] == "HELLO" else b"$9\r\nabcdefghi\r\n":
            time.sleep(seconds)
            send(bytes([byte]))

    return answer


def after_hello(answer: Answer) -> Answer:
    """``answer`` for all that follows a proper greeting."""

    def greeted(command: list[str], send: Send) -> None:
        if command[0] == "HELLO":
            send(HELLO)
        else:
            answer(command, send)

    return greeted


class ScriptedRedis:
    """Listens on a free port of loopback while in its ``with`` block; every connection has a thread."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = Event()
        self._lock = Lock()
        self._connections: list[socket.socket] = []
        self.accepted = 0
        self.heard: list[list[str]] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def commands(self, name: str) -> int:
        """How often ``name`` was heard."""
        with self._lock:
            return sum(command[0] == name for command in self.heard)

    def __enter__(self) -> "ScriptedRedis":
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        # Closing alone does not wake a thread in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                connection.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                self._connections.append(connection)
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        # ValueError: not Redis' protocol at all, but a TLS handshake.
        with contextlib.suppress(OSError, ValueError, _Hangup):
            connection = plain if self._tls is None else self._tls.wrap_socket(plain, server_side=True)
            with connection, connection.makefile("rb") as incoming:
                for command in _commands(incoming):
                    with self._lock:
                        self.heard.append(command)
                    self._answer(command, connection.sendall)


class _Hangup(Exception):
    """Raised by an answer that closes the connection instead."""


def hang_up(command: list[str], send: Send) -> None:
    raise _Hangup


def _commands(incoming: BinaryIO) -> Iterator[list[str]]:
    read = incoming.readline
    while line := read():
        words = []
        for _ in range(int(line[1:])):
            read()
            words.append(read().rstrip(b"\r\n").decode())
        yield words
