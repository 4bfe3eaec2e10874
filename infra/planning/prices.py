"""List prices, US dollars without tax or discount, us-east-1. Other regions cost some per cent more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

AS_OF: Final = "2026-11"
HOURS_A_MONTH: Final = 730
MILLION: Final = 1_000_000

_LAMBDA: Final = "aws.amazon.com/lambda/pricing"
_GATEWAY: Final = "aws.amazon.com/api-gateway/pricing"
_ATLAS: Final = "mongodb.com/pricing, cloud.mongodb.com's cluster form"


@dataclass(frozen=True, slots=True)
class Price:
    """One list price."""

    usd: float
    unit: str
    source: str


PRICES: Final[Mapping[str, Price]] = {
    "provisioned_gb_second": Price(0.0000041667, "GB-second of provisioned concurrency (x86)", _LAMBDA),
    "provisioned_run_gb_second": Price(0.0000097222, "GB-second run on provisioned concurrency (x86)", _LAMBDA),
    "on_demand_gb_second": Price(0.0000166667, "GB-second run on demand (x86)", _LAMBDA),
    "lambda_request": Price(0.20 / MILLION, "invocation", _LAMBDA),
    "sqs_request": Price(0.40 / MILLION, "SQS request (standard queue)", "aws.amazon.com/sqs/pricing"),
    "websocket_message": Price(1.00 / MILLION, "WebSocket message", _GATEWAY),
    "websocket_minute": Price(0.25 / MILLION, "WebSocket connection minute", _GATEWAY),
    "log_gb": Price(0.50, "GB of logs ingested", "aws.amazon.com/cloudwatch/pricing"),
    "transfer_gb": Price(0.09, "GB sent to the internet", "aws.amazon.com/ec2/pricing/on-demand"),
    "storage_gb_month": Price(0.50, "GB-month of a three-node replica set", "Atlas invoice example: 160 GB for 0.11/h"),
}


@dataclass(frozen=True, slots=True)
class CacheNode:
    """A type of ElastiCache node, with Valkey."""

    usd_hour: float
    gigabytes: float
    """Of data: its memory less a quarter that ElastiCache reserves."""


CACHE_NODES: Final[Mapping[str, CacheNode]] = {
    "cache.t4g.small": CacheNode(0.0256, 1.0),
    "cache.r7g.large": CacheNode(0.1752, 9.8),
}
"""1.37 and 13.07 GiB of memory (aws.amazon.com/elasticache/pricing)."""

GATEWAY_STEPS: Final = ((333e6, 3.50), (667e6, 2.80), (19e9, 2.38), (float("inf"), 1.51))
"""REST API calls a month: how many at which price for a million (aws.amazon.com/api-gateway/pricing)."""


@dataclass(frozen=True, slots=True)
class AtlasTier:
    """A dedicated Atlas cluster tier on AWS: a replica set of three, or one shard of three."""

    name: str
    usd_hour: float
    connections: int
    """Per node; on a sharded cluster per mongos (mongodb.com/docs/atlas/reference/atlas-limits)."""
    storage_gb: int
    """The most a cluster of the tier is planned to hold."""


ATLAS_TIERS: Final = (
    AtlasTier("M10", 0.08, 1_500, 100),
    AtlasTier("M20", 0.20, 3_000, 200),
    AtlasTier("M30", 0.54, 3_000, 500),
    AtlasTier("M40", 1.04, 6_000, 1_000),
    AtlasTier("M50", 2.00, 16_000, 2_000),
    AtlasTier("M60", 3.95, 32_000, 4_000),
)
ATLAS_RESERVED_CONNECTIONS: Final = 10
"""Per node (same page)."""
ATLAS_SHARD_TIER: Final = "M30"
"""The smallest tier a sharded cluster may have."""


def gateway_usd(calls: float) -> float:
    """A month's REST API calls at their stepped price."""
    cost = 0.0
    for size, price in GATEWAY_STEPS:
        part = min(calls, size)
        cost += part * price / MILLION
        calls -= part
    return cost
