"""Each tier's cache as data: what ``./arena foundation`` deploys, and ``./arena plan`` counts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from infra.planning.prices import CACHE_NODES, CacheNode

GUIDE_MASTERS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSize:
    """An ElastiCache replication group."""

    node_type: str
    shards: int
    """1 = cluster mode off: one primary."""
    replicas: int
    """Of each shard, in other availability zones."""
    snapshot_days: int

    @property
    def cluster(self) -> bool:
        return self.shards > 1

    @property
    def nodes(self) -> int:
        return self.shards * (1 + self.replicas)

    @property
    def node(self) -> CacheNode:
        return CACHE_NODES[self.node_type]


CACHE_SIZES: Final[Mapping[str, CacheSize | None]] = MappingProxyType(
    {
        "development": None,
        "staging": CacheSize(node_type="cache.t4g.small", shards=1, replicas=0, snapshot_days=1),
        "production": CacheSize(node_type="cache.r7g.large", shards=GUIDE_MASTERS, replicas=1, snapshot_days=7),
        "enterprise": CacheSize(node_type="cache.r7g.large", shards=GUIDE_MASTERS, replicas=2, snapshot_days=35),
    }
)
"""By tier. The guide's cache has six nodes, three masters and three replicas."""
