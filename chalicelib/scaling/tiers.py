"""The four tiers of the operators' guide as data: how many instances, and what surrounds them.

An instance is a Lambda execution environment kept warm by provisioned concurrency on alias ``live``.
``.chalice/config.json`` carries the same figures per stage; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

TierName = Literal["development", "staging", "production", "enterprise"]
LoadBalancer = Literal["none", "nginx", "haproxy_or_alb", "several"]
Database = Literal["local", "replica_set", "sharded"]
Cache = Literal["none", "single_node", "cluster"]
Monitoring = Literal["basic", "full", "advanced", "full_stack"]

REQUESTS_PER_SECOND_PER_INSTANCE: Final = 100
"""The guide's autoscaling target for one instance, requests per second."""

BURST_RATIO: Final = 2.5
"""Burst over rate: the guide's front admits 50 at once where it admits 20 a second."""

ACCOUNT_BURST_LIMIT: Final = 5_000
"""API Gateway's default burst quota of an account in one region; a higher setting would change nothing."""

QUEUE_CONCURRENCY_MIN: Final = 2
QUEUE_CONCURRENCY_MAX: Final = 1_000
"""What Lambda admits as the maximum concurrency of a queue's consumer."""

API_GATEWAY_TIMEOUT_SECONDS: Final = 29
"""API Gateway stops waiting for an integration after this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of the guide's journey from a single instance to a fleet."""

    name: TierName
    min_instances: int
    """Fewest warm instances in a region, at least 1; also what a first deployment starts with."""
    max_instances: int
    """Most warm instances in a region, at least ``min_instances``; equal where the guide fixes the number."""
    load_balancer: LoadBalancer
    database: Database
    cache: Cache
    monitoring: Monitoring
    memory_mb: int
    """Memory of each function, MB. Lambda gives one whole vCPU at 1,769 MB and a share in proportion below."""
    timeout_seconds: int
    """Time limit of each function: below API Gateway's, so a slow call ends and frees its instance
    before the client is told that it has."""
    app_env: Literal["dev", "prod"]
    """APP_ENV of the functions; ``prod`` makes the settings refuse whatever production must not have."""
    log_level: Literal["DEBUG", "INFO"]
    log_retention_days: int
    """Days CloudWatch keeps the logs; one of the values CloudWatch allows."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_instances <= self.max_instances:
            raise ValueError(f"{self.name}: 1 <= min_instances <= max_instances does not hold")
        if not 0 < self.timeout_seconds < API_GATEWAY_TIMEOUT_SECONDS:
            raise ValueError(f"{self.name}: timeout_seconds must be below {API_GATEWAY_TIMEOUT_SECONDS}")

    @property
    def throttle_rate(self) -> int:
        """Requests per second one region's API admits: what its largest fleet is meant to serve."""
        return self.max_instances * REQUESTS_PER_SECOND_PER_INSTANCE

    @property
    def queue_concurrency(self) -> int:
        """Most simultaneous invocations of each queue's consumer in a region: as many as the API has instances."""
        return min(max(self.max_instances, QUEUE_CONCURRENCY_MIN), QUEUE_CONCURRENCY_MAX)

    @property
    def throttle_burst(self) -> int:
        """Requests one region's API admits at once beyond the steady rate."""
        return min(int(self.throttle_rate * BURST_RATIO), ACCOUNT_BURST_LIMIT)


def with_bounds(tier: Tier, least: int | None, most: int | None) -> Tier:
    """``tier`` with other bounds; None keeps its own, but ``most`` pulls its minimum down. Raises ``ValueError``."""
    top = most or tier.max_instances
    return replace(tier, min_instances=least or min(tier.min_instances, top), max_instances=top)


DEVELOPMENT: Final = Tier(
    name="development",
    min_instances=1,
    max_instances=1,
    load_balancer="none",
    database="local",
    cache="none",
    monitoring="basic",
    memory_mb=256,
    timeout_seconds=28,
    app_env="dev",
    log_level="DEBUG",
    log_retention_days=3,
)
STAGING: Final = Tier(
    name="staging",
    min_instances=2,
    max_instances=2,
    load_balancer="nginx",
    database="replica_set",
    cache="single_node",
    monitoring="full",
    memory_mb=512,
    timeout_seconds=28,
    app_env="prod",
    log_level="INFO",
    log_retention_days=14,
)
PRODUCTION: Final = Tier(
    name="production",
    min_instances=3,
    max_instances=20,
    load_balancer="haproxy_or_alb",
    database="sharded",
    cache="cluster",
    monitoring="advanced",
    memory_mb=1024,
    timeout_seconds=28,
    app_env="prod",
    log_level="INFO",
    log_retention_days=30,
)
ENTERPRISE: Final = Tier(
    name="enterprise",
    min_instances=10,
    # The guide says 10+ and no more. Production's head-room (20 over 3) applied to 10, rounded down:
    # far below the 900 an account's default concurrency leaves to provision, and no bolder than a ratio
    # the guide itself trusts. Connection budgets may bind earlier.
    max_instances=66,
    load_balancer="several",
    database="sharded",
    cache="cluster",
    monitoring="full_stack",
    memory_mb=1769,
    timeout_seconds=28,
    app_env="prod",
    log_level="INFO",
    log_retention_days=90,
)

TIERS: Final[Mapping[str, Tier]] = MappingProxyType(
    {tier.name: tier for tier in (DEVELOPMENT, STAGING, PRODUCTION, ENTERPRISE)}
)
"""Every tier by name, smallest first."""
