"""Connections to one Redis node that keep a deadline: redis-py's, with every wait on the socket cut to what is left.

redis-py's time-outs are per operation on the socket, so a call's time is their sum: one for each address a name has,
one for each step of the handshake, one for each piece an answer arrives in. Here all of them share one deadline.
redis-py does the handshake, packs commands and parses answers.
"""

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Final

import redis
from redis._parsers import _RESP3Parser
from redis.connection import Connection, parse_url

from chalicelib.cache.errors import LinkBroken, Refusal
from chalicelib.cache.slots import Address

LAST_LOOK_SECONDS: Final = 0.02
"""For how long what has already arrived is still read once the deadline has passed: this process may have slept."""
RESOLVED_SECONDS: Final = 5.0
"""How long a name's address is used; ElastiCache's names change theirs on failover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a deployment's nodes are reached: the same credentials and encryption for all."""

    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    database: int = 0
    tls: ssl.SSLContext | None = field(default=None, repr=False)


def read_urls(urls: Iterable[str]) -> tuple[list[Address], Access]:
    """The addresses in ``urls``, and the access in the first.

    ``rediss://user:password@host:port/database``; of redis-py's query options ``ssl_ca_certs`` (a file) and
    ``ssl_cert_reqs`` (``none`` to accept any certificate) are understood.
    """
    parsed: list[dict[str, Any]] = [parse_url(url) for url in urls]  # type: ignore[no-untyped-call]
    first = parsed[0]
    tls = None
    if "connection_class" in first:
        tls = ssl.create_default_context(cafile=first.get("ssl_ca_certs"))
        if first.get("ssl_cert_reqs") == "none":
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    access = Access(
        username=first.get("username"), password=first.get("password"), database=first.get("db", 0), tls=tls
    )
    return [(part.get("host", "localhost"), int(part.get("port", 6379))) for part in parsed], access


class _BoundedSocket:
    """A socket whose operations end at ``deadline`` (``time.monotonic`` seconds), whatever time-out is set on it."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self.deadline = deadline
        self._last_look: float | None = None

    def until(self, deadline: float) -> None:
        self.deadline, self._last_look = deadline, None

    def recv(self, size: int) -> bytes:
        now = time.monotonic()
        if now >= self.deadline:
            self._last_look = self._last_look or now + LAST_LOOK_SECONDS
            if now >= self._last_look:
                raise TimeoutError
        self._sock.settimeout(max(0.0, self.deadline - now))
        try:
            return self._sock.recv(size)
        except (BlockingIOError, ssl.SSLWantReadError) as error:
            raise TimeoutError from error

    def sendall(self, data: bytes) -> None:
        # A TLS socket's own sendall grants every piece the whole time-out.
        view = memoryview(data)
        while view:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            view = view[self._sock.send(view) :]

    def settimeout(self, seconds: float | None) -> None:
        """Ignored: the deadline decides."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def look_up(address: Address) -> list[Any]:
    """The system's answer. Raises ``OSError``."""
    return socket.getaddrinfo(*address, type=socket.SOCK_STREAM)


class Resolver:
    """Names' addresses. The system's resolver takes no deadline, so it runs in a thread nobody waits for beyond it."""

    def __init__(self, look_up: Callable[[Address], list[Any]] = look_up) -> None:
        self._look_up = look_up
        self._known: dict[Address, tuple[float, list[Any]]] = {}

    def __call__(self, address: Address, deadline: float) -> list[Any]:
        """``getaddrinfo``'s answers. Raises ``OSError``."""
        known = self._known.get(address)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        with contextlib.suppress(OSError):
            return socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        thread = Thread(target=self._remember, args=(address,), daemon=True)
        thread.start()
        left = max(0.0, deadline - time.monotonic())
        # Time must be left to use an address that is out of date.
        thread.join(left if known is None else left / 2)
        known = self._known.get(address)
        if known is None:
            raise OSError(f"{address[0]} has no address, or not in time")
        # One that is out of date is better than none.
        return known[1]

    def _remember(self, address: Address) -> None:
        with contextlib.suppress(OSError):
            self._known[address] = (time.monotonic() + RESOLVED_SECONDS, self._look_up(address))


class _Bounded(Connection):
    """A redis-py connection whose socket is bounded from its first byte on."""

    def __init__(self, address: Address, access: Access, resolve: Resolver) -> None:
        self.deadline = 0.0
        self._access, self._resolve, self._address = access, resolve, address
        # redis-py annotates few of its methods.
        super().__init__(  # type: ignore[no-untyped-call]
            *address,
            username=access.username,
            password=access.password,
            db=access.database,
            decode_responses=True,
            encoding_errors="replace",
            # The faster parser in C, where installed, reads the socket its own way.
            parser_class=_RESP3Parser,
            protocol=3,
            # Two round trips per connection for a name and a version.
            driver_info=None,
            redis_connect_func=_bound,
        )

    def _connect(self) -> socket.socket:
        found = self._resolve(self._address, self.deadline)
        failure: OSError = OSError("no address")
        for family, kind, protocol, _, place in found:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                sock.settimeout(self._left())
                sock.connect(place)
                if self._access.tls is None:
                    return sock
                sock.settimeout(self._left())
                return self._access.tls.wrap_socket(sock, server_hostname=self._address[0])
            except OSError as error:
                failure = error
                sock.close()
        raise failure

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _bound(connection: Any) -> None:
    connection._sock = _BoundedSocket(connection._sock, connection.deadline)
    connection.on_connect()


def refusal(error: redis.ResponseError) -> Refusal:
    """redis-py takes the code off the text of errors it knows."""
    if isinstance(error, redis.exceptions.AskError):
        return Refusal(str(error.status_code), str(error), (str(error.host), int(error.port)), int(error.slot_id))
    text = str(error)
    return Refusal(str(error.status_code or text.split(" ", 1)[0]), text)


def pack(commands: Iterable[Sequence[Any]]) -> bytes:
    """Commands as they are sent: arrays of bulk strings. redis-py's own takes three times as long over many small ones.

    Raises ``TypeError`` for a part that is neither text, bytes nor a number.
    """
    pieces: list[bytes] = []
    for command in commands:
        pieces.append(b"*%d\r\n" % len(command))
        for part in command:
            if isinstance(part, str):
                data = part.encode("utf-8", "surrogatepass")
            elif isinstance(part, bytes):
                data = part
            elif isinstance(part, int | float) and not isinstance(part, bool):
                data = b"%d" % part if isinstance(part, int) else str(part).encode()
            else:
                raise TypeError(f"a part of a command can't be {type(part).__name__}")
            pieces.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(pieces)


class Link:
    """One connection. Not for two threads at once."""

    def __init__(self, address: Address, access: Access, resolve: Resolver) -> None:
        self._connection: Any = _Bounded(address, access, resolve)

    @property
    def connected(self) -> bool:
        return bool(self._connection.is_connected)

    def fileno(self) -> int:
        return int(self._connection._sock.fileno())

    def drop_if_stale(self) -> None:
        """Closes an idle connection that has something to read: its end, or an answer nobody waited for."""
        if self.connected:
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            if poll.poll(0):
                self.close()

    def connect(self, deadline: float) -> None:
        """Raises ``LinkBroken``."""
        self._connection.deadline = deadline
        with self._translated():
            self._connection.connect()

    def send(self, commands: Iterable[Sequence[Any]], deadline: float) -> None:
        """Raises ``LinkBroken``."""
        data = pack(commands)
        with self._translated():
            self._connection._sock.until(deadline)
            self._connection.send_packed_command([data], check_health=False)

    def receive(self, count: int, into: list[Any]) -> None:
        """Adds the next ``count`` answers, errors as ``Refusal``.

        Raises ``LinkBroken``; what came before it is there.
        """
        read = self._connection.read_response
        with self._translated():
            for _ in range(count):
                try:
                    answer = read()
                except redis.ResponseError as error:
                    answer = refusal(error)
                if isinstance(answer, list):
                    answer = [refusal(part) if isinstance(part, redis.ResponseError) else part for part in answer]
                into.append(answer)

    def close(self) -> None:
        self._connection.disconnect()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (redis.RedisError, OSError) as error:
            self.close()
            raise LinkBroken(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self.close()
            raise
