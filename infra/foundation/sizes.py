"""What a tier's foundation consists of, as data; ``./arena plan`` counts with the same figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from infra.planning.cache_sizes import CACHE_SIZES, CacheSize


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundationSize:
    """A region's foundation."""

    zones: int
    """Availability zones, each with subnets for functions and for the way out. 0: functions run in Lambda's network."""
    ways_out: int
    """NAT gateways: one for each zone survives a zone's failure, a single one is cheaper."""
    interface_endpoints: tuple[str, ...]
    """Services reached without the internet; the others through a NAT gateway."""
    cache: CacheSize | None
    backup_days: int
    """How long backups are kept."""
    log_days: int
    """How long flow logs and the firewall's are kept."""


ENDPOINTS: Final = ("lambda", "monitoring", "secretsmanager", "sqs")
"""What functions call in their own region beside S3, whose endpoint is free. Not ``execute-api``: with private names
for it, no public API of the region could be reached any more, this one's WebSocket connections included."""

SIZES: Final[Mapping[str, FoundationSize]] = MappingProxyType(
    {
        "development": FoundationSize(
            zones=0,
            ways_out=0,
            interface_endpoints=(),
            cache=CACHE_SIZES["development"],
            backup_days=3,
            log_days=3,
        ),
        "staging": FoundationSize(
            zones=2,
            ways_out=1,
            interface_endpoints=(),
            cache=CACHE_SIZES["staging"],
            backup_days=7,
            log_days=14,
        ),
        "production": FoundationSize(
            zones=3,
            ways_out=3,
            interface_endpoints=ENDPOINTS,
            cache=CACHE_SIZES["production"],
            backup_days=35,
            log_days=30,
        ),
        "enterprise": FoundationSize(
            zones=3,
            ways_out=3,
            interface_endpoints=ENDPOINTS,
            cache=CACHE_SIZES["enterprise"],
            backup_days=90,
            log_days=90,
        ),
    }
)
"""By tier."""
