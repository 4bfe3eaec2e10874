"""The local cloud's front: balancers before its regions, with a certificate of this machine's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chalicelib.clock import system_clock
from infra.fronts import geography, haproxy, nginx
from infra.fronts.addresses import pool_at
from infra.fronts.model import Front, Region
from infra.fronts.tiers import FRONTS
from localcloud.certificate import Certificate, load_or_create
from localcloud.haproxy import Haproxy, haproxy_binary
from localcloud.nginx import Nginx, nginx_binary
from localcloud.ports import ANY_PORT, LOOPBACK, claim, claim_range
from localcloud.server import Server
from localcloud.state import StateDir

STATIC_ROOT: Final = Path(__file__).resolve().parents[1] / "nginx" / "static"
LOCAL_NGINX_WORKERS: Final = 2
LOCAL_NGINX: Final = nginx.Runtime(
    workers=str(LOCAL_NGINX_WORKERS),
    pid="nginx.pid",
    access_log="/dev/stdout",
    error_log="stderr",
    sockets=".",
    temporary=".",
)
_GATEWAY_HEALTH: Final = "/_health"


@dataclass(frozen=True)
class RegionAddresses:
    """Where a region is: URLs of its API and of its WebSocket gateway."""

    api: str
    websocket: str


@dataclass(frozen=True)
class LocalFronts:
    """Balancers of one kind, one for each pair of ports (plain, TLS); none where there is no front."""

    kind: str
    ports: tuple[tuple[int, int], ...] = ()

    @classmethod
    def claim(cls, tier: str, kind: str | None, port: int, tls_port: int) -> "LocalFronts":
        """The front of ``tier``, of another ``kind`` if given, on ports from the given ones upward (0 = free ones).

        Raises PortTaken, or LocalCloudError where the server is not to be had.
        """
        chosen = kind or FRONTS[tier].kind
        if chosen == "none":
            return cls("none")
        # Missing binaries are told before minutes of deployment, not after.
        _ = nginx_binary() if chosen == "nginx" else haproxy_binary()
        balancers = max(1, FRONTS[tier].balancers)
        plain = claim_range(port, balancers, server="the front", setting="--front-port")
        tls = claim_range(tls_port, balancers, server="the front's TLS", setting="--front-tls-port")
        return cls(chosen, tuple(zip(plain, tls, strict=True)))

    @property
    def urls(self) -> list[str]:
        return [f"https://{LOOPBACK}:{tls}" for _, tls in self.ports]

    def servers(self, state: StateDir, regions: Mapping[str, RegionAddresses]) -> list[Server]:
        """The balancers before ``regions``, which are in order of priority."""
        if not self.ports:
            return []
        certificate = certificate_of(state)
        servers = []
        for number, (plain, tls) in enumerate(self.ports, 1):
            front = front_before(regions, certificate, plain, tls)
            of = str(number) if len(self.ports) > 1 else ""
            servers.append(balancer(self.kind, front, of).server(state))
        return servers


def certificate_of(state: StateDir) -> Certificate:
    """The state directory's own; clients trust its ``authority``."""
    return load_or_create(state.server_data("front"), system_clock())


def front_before(regions: Mapping[str, RegionAddresses], certificate: Certificate, plain: int, tls: int) -> Front:
    """One balancer's task."""
    return Front(
        regions=tuple(
            Region(name=name, api=pool_at(found.api), websocket=pool_at(found.websocket, _GATEWAY_HEALTH))
            for name, found in regions.items()
        ),
        address=LOOPBACK,
        http_port=plain,
        https_port=tls,
        certificate=str(certificate.bundle),
        static_root=str(STATIC_ROOT),
        areas_by_network=geography.TEST_NETWORKS,
    )


def balancer(kind: str, front: Front, of: str = "") -> Nginx | Haproxy:
    """What runs ``front``; all its files are in its data directory, its log on standard output."""
    if kind == "nginx":
        return Nginx(front.http_port, nginx.render(front, LOCAL_NGINX), of)
    stats = claim(ANY_PORT, server="HAProxy's runtime API", setting="")
    runtime = haproxy.Runtime(stats=f"{LOOPBACK}:{stats}", directory=".")
    return Haproxy(front.http_port, haproxy.render(front, runtime), haproxy.files(front), of)
