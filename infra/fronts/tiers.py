"""Each tier's front as the guide's table has it, and the front an operator deploys for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from chalicelib.scaling.tiers import TIERS
from infra.fronts.model import Front, Pool, Region, Server

Kind = Literal["none", "nginx", "haproxy"]
KINDS: Final[tuple[Kind, ...]] = ("none", "nginx", "haproxy")

DEFAULT_PORT: Final = 8080
DEFAULT_TLS_PORT: Final = 8443
"""Of a local front, where an unprivileged user may listen."""
BACKEND_PORT: Final = 5000
STATIC_SERVER: Final = Server("frontend-1", 3000)
WEBSOCKET_SERVERS: Final = 2
CERTIFICATE: Final = "/etc/ssl/certs/aiba-arena.pem"
SERVER_NAME: Final = "api.aiba-arena.com"
STATIC_ROOT: Final = "/var/www/aiba-arena"


@dataclass(frozen=True, slots=True)
class TierFront:
    """``balancers`` of one kind, all with the same configuration."""

    kind: Kind
    balancers: int


FRONTS: Final[Mapping[str, TierFront]] = MappingProxyType(
    {
        "development": TierFront("none", 0),
        "staging": TierFront("nginx", 1),
        "production": TierFront("haproxy", 1),
        "enterprise": TierFront("haproxy", 2),
    }
)
"""By tier. ``several`` balancers are two: one may be lost or changed while the other serves."""


def deployed(tier: str, backends: Sequence[Server] = ()) -> Front:
    """The front of ``tier`` before ``backends``; without any, before the guide's names for its fewest instances."""
    servers = tuple(backends) or tuple(
        Server(f"backend-{number}", BACKEND_PORT) for number in range(1, TIERS[tier].min_instances + 1)
    )
    region = Region(name="home", api=Pool(servers=servers), websocket=Pool(servers=servers[:WEBSOCKET_SERVERS]))
    return Front(
        regions=(region,),
        certificate=CERTIFICATE,
        server_name=SERVER_NAME,
        static_root=STATIC_ROOT,
        static=Pool(servers=(STATIC_SERVER,), health=None),
    )
