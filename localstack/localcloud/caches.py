"""The local cloud's cache: none, one server, or a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.cluster_view import Shape
from localcloud.ports import claim
from localcloud.server import Server
from localcloud.state import StateDir
from localcloud.topology import CACHES
from localcloud.valkey import Valkey
from localcloud.valkey_cluster import ValkeyCluster

PORT_OPTION = "--valkey-port"


@dataclass(frozen=True)
class LocalCache:
    """One of ``topology.CACHES`` with its ports. ``node`` is None where there is no cache."""

    redis_mode: str
    node: Valkey | ValkeyCluster | None

    @classmethod
    def claim(cls, kind: str, first_port: int, of: str = "") -> "LocalCache":
        """The cache called ``kind`` on ports from ``first_port`` upward; 0 = free ones. Raises PortTaken.

        ``of`` tells several apart: it stands in the servers' names.
        """
        wanted = CACHES[kind]
        node: Valkey | ValkeyCluster | None = None
        if wanted.redis_mode == "cluster":
            shape = Shape(wanted.masters, wanted.replicas_each)
            node = ValkeyCluster.claim(first_port, setting=PORT_OPTION, shape=shape, of=of)
        elif wanted.masters:
            node = Valkey(claim(first_port, server="Valkey", setting=PORT_OPTION), of)
        return cls(wanted.redis_mode, node)

    @property
    def redis_url(self) -> str | None:
        """As settings have it: in a cluster every node, comma-separated."""
        return None if self.node is None else self.node.uri

    @property
    def status(self) -> str | Sequence[str] | None:
        """As the status has it: a URL, a list of them in a cluster, nothing without a cache."""
        return self.node.urls if isinstance(self.node, ValkeyCluster) else self.redis_url

    def servers(self, state: StateDir) -> list[Server]:
        if isinstance(self.node, ValkeyCluster):
            return self.node.servers(state)
        return [] if self.node is None else [self.node.server(state)]
