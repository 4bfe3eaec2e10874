"""What a front is made of. Data only; ``nginx`` and ``haproxy`` render it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Server:
    """Where an instance listens. ``host``: a name, or an IPv4 address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Servers that stand for each other."""

    servers: tuple[Server, ...]
    prefix: str = ""
    """Put before every path, without a slash at its end: API Gateway's stage, say."""
    host: str | None = None
    """Sent as Host. None hands on the client's; API Gateway needs its own."""
    tls: bool = False
    """Spoken to by TLS, their certificate verified against ``host``."""
    health: str | None = "/health"
    """Asked by HAProxy's checks, below ``prefix``. None: a connection is enough."""

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("a pool needs a server")
        if self.tls and self.host is None:
            raise ValueError("a pool spoken to by TLS needs the host its certificate names")
        if self.prefix.endswith("/") or (self.prefix and not self.prefix.startswith("/")):
            raise ValueError(f"prefix {self.prefix!r}: begin with a slash, end without one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region's arena. ``websocket`` None: nothing there answers a WebSocket handshake."""

    name: str
    api: Pool
    websocket: Pool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """HAProxy's active checks. The interval is in milliseconds."""

    interval_ms: int
    rise: int
    """Good answers in a row that put a server back."""
    fall: int
    """Bad ones that take it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """One balancer's whole task."""

    regions: tuple[Region, ...]
    """In order of priority. More than one makes it a geographic front."""
    address: str = ""
    """To listen on; empty for all."""
    http_port: int = 80
    https_port: int = 443
    certificate: str | None = None
    """A PEM file of certificate, chain and key. None: no TLS here, the plain port serves."""
    authorities: str = "/etc/ssl/certs/ca-certificates.crt"
    """Who signs the certificates of servers spoken to by TLS."""
    server_name: str = "_"
    """The name players use; ``_`` for whatever they say."""
    static_root: str | None = None
    """Directory of static assets, where the front serves files itself (nginx)."""
    static: Pool | None = None
    """Where static assets are, where it doesn't (HAProxy)."""
    trusted: tuple[str, ...] = ()
    """Networks of proxies before this one, whose X-Forwarded-For is believed."""
    resolver: str | None = None
    """Address of a name server that names of servers are asked of again and again. None: they are looked up once."""
    areas_by_network: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Client networks → area of ``geography``, before the country's: addresses to test with."""
    api_checks: Checks = Checks(interval_ms=5000, rise=2, fall=3)
    battle_checks: Checks = Checks(interval_ms=3000, rise=2, fall=2)

    def __post_init__(self) -> None:
        if not self.regions:
            raise ValueError("a front needs a region")
        names = [region.name for region in self.regions]
        if len(set(names)) < len(names):
            raise ValueError(f"regions {', '.join(names)}: each once")

    @property
    def geographic(self) -> bool:
        return len(self.regions) > 1
