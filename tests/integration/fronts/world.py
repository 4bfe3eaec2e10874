"""Fronts of real binaries before instances, and clients of them."""

import http.client
import json
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.cli.local_front import balancer
from infra.fronts.figures import HTTP_KEEP_ALIVE
from infra.fronts.model import Checks, Front, Pool, Region, Server
from localcloud.certificate import Certificate, load_or_create
from localcloud.drill import Drill
from localcloud.ports import LOOPBACK, free_ports
from localcloud.state import StateDir
from tests.integration.fronts.instances import Running

KINDS = ("nginx", "haproxy")
QUICK = {
    "api_checks": Checks(interval_ms=1000, rise=2, fall=3),
    "battle_checks": Checks(interval_ms=600, rise=2, fall=2),
}
"""The guide's checks, some five times as fast. An answer must come within an interval, on a busy machine too."""
SAFE = ("GET", "HEAD")
ENVELOPE = {"ok", "error", "requestId"}
IDLE_SECONDS_MAX = HTTP_KEEP_ALIVE / 2
"""Soon after, HAProxy ends a connection nobody uses: whoever the machine held up meanwhile would ask into the void."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names in lower case, repeated headers joined as they came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """A browser at ``source``, any address of 127.0.0.0/8; it keeps its connection while it uses it."""

    port: int
    source: str = LOOPBACK
    trust: ssl.SSLContext | None = None
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)
    _used: float = field(default=0.0, repr=False)

    def ask(
        self, path: str, method: str = "GET", body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Raises ``OSError`` or ``http.client.HTTPException`` where the connection fails.

        As browsers do, it asks once more on a new connection where a kept one is closed without a word, unless that
        would do something twice: HAProxy counts on it where an instance dies with the connection that it keeps.
        """
        if time.monotonic() - self._used > IDLE_SECONDS_MAX:
            self.close()
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kept = self._connection is not None
        try:
            return self._ask(path, method, sent, headers or {})
        except (http.client.RemoteDisconnected, ConnectionError):
            if not kept or method not in SAFE:
                raise
        return self._ask(path, method, sent, headers or {})

    def _ask(self, path: str, method: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = self._connection = self._connection or self._connected()
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            found = Answer(answer.status, _joined(answer.getheaders()), answer.read())
        except BaseException:
            self.close()
            raise
        self._used = time.monotonic()
        return found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        source = (self.source, 0)
        if self.trust is None:
            return http.client.HTTPConnection(LOOPBACK, self.port, timeout=30, source_address=source)
        return http.client.HTTPSConnection(LOOPBACK, self.port, timeout=30, source_address=source, context=self.trust)


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


@dataclass
class Started:
    """A running front."""

    kind: str
    front: Front
    drill: Drill
    name: str

    def client(self, source: str = LOOPBACK) -> Client:
        return Client(self.front.http_port, source)

    def tls(self, trust: ssl.SSLContext) -> Client:
        return Client(self.front.https_port, trust=trust)


def pool(running: Sequence[Running]) -> Pool:
    return Pool(servers=tuple(Server(LOOPBACK, one.port) for one in running))


def front_of(running: Sequence[Running], **changes: Any) -> Front:
    """A front for one region, without TLS; ``changes`` are fields of it."""
    plain, tls = free_ports(2)
    fields: dict[str, Any] = {"address": LOOPBACK, "http_port": plain, "https_port": tls}
    if running:
        fields["regions"] = (Region(name="home", api=pool(running), websocket=pool(running)),)
    return Front(**{**fields, **changes})


@contextmanager
def started(kind: str, *fronts: Front) -> Iterator[list[Started]]:
    """Runs a balancer for each of ``fronts``, side by side."""
    with tempfile.TemporaryDirectory(prefix="arena-front-") as directory:
        state = StateDir(Path(directory))
        state.create()
        servers = [balancer(kind, front, str(number)).server(state) for number, front in enumerate(fronts, 1)]
        with Drill(state, servers) as drill:
            yield [Started(kind, front, drill, server.name) for front, server in zip(fronts, servers, strict=True)]


def certified(directory: Path) -> tuple[Certificate, ssl.SSLContext]:
    """A certificate in ``directory``, and a client's trust in it."""
    directory.mkdir(exist_ok=True)
    certificate = load_or_create(directory, datetime.now(UTC))
    return certificate, ssl.create_default_context(cafile=str(certificate.authority))
