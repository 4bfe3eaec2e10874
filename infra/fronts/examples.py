"""The configurations in infra/nginx/ and infra/haproxy/: each tier's, and a geographic front's. A test compares."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from infra.fronts import haproxy, nginx
from infra.fronts.addresses import pool_at
from infra.fronts.model import Front, Region
from infra.fronts.tiers import FRONTS, deployed

REGIONS: Final = ("us-east-1", "eu-west-1", "ap-southeast-1")
DOMAIN: Final = "aiba-arena.com"
VPC_RESOLVER: Final = "169.254.169.253"
"""Amazon's name server, at the same address in every VPC."""


def geographic() -> Front:
    """Before three regions' own domains on API Gateway, whose addresses change."""
    regions = tuple(
        Region(
            name=name,
            api=pool_at(f"https://{name}.api.{DOMAIN}"),
            # A WebSocket API answers nothing but handshakes: a connection is its health.
            websocket=pool_at(f"wss://{name}.live.{DOMAIN}", health=None),
        )
        for name in REGIONS
    )
    return replace(deployed("production"), regions=regions, resolver=VPC_RESOLVER)


def fronts() -> dict[str, Front]:
    """By the name of the file without its ending."""
    return {**{tier: deployed(tier) for tier in FRONTS}, "geographic": geographic()}


def files() -> Mapping[str, str]:
    """Path below infra/ → text."""
    found = {}
    for name, front in fronts().items():
        found[f"nginx/{name}.conf"] = nginx.render(front)
        found[f"haproxy/{name}.cfg"] = haproxy.render(front)
        found.update({f"haproxy/{file}": text for file, text in haproxy.files(front).items()})
    return found
