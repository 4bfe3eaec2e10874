"""A Valkey (Redis-compatible) cluster on loopback, formed over the wire: the wheel has no command line of Valkey's.

``./arena up`` begins with an empty one: leaderboards that lay there while battles were fought without it would
be wrong and look complete. What the append-only files are for is a node that is killed and started again.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from localcloud.cluster_view import NodeView, Shape, is_formed, next_steps, parse_nodes
from localcloud.errors import PortTaken
from localcloud.ports import ANY_PORT, LOOPBACK, claim_range, free_ports
from localcloud.server import Server, named
from localcloud.state import StateDir
from localcloud.valkey import Valkey, valkey_binary

BUS_OFFSET = 10_000
PORT_MAX = 65_535
"""A node's bus port lies this far above its own, where ports are chosen by number."""
NODE_TIMEOUT_MILLISECONDS = 5000
_PROBE_SECONDS = 0.5


@dataclass(frozen=True)
class ValkeyCluster:
    """Masters first, then their replicas; one port and one bus port each.

    A node that does not answer for ``node_timeout_ms`` is taken for dead, and its replica for its successor.
    """

    ports: Sequence[int]
    bus_ports: Sequence[int]
    shape: Shape = field(default_factory=Shape)
    node_timeout_ms: int = NODE_TIMEOUT_MILLISECONDS
    of: str = ""
    """Tells several apart: it stands in the nodes' names."""

    @classmethod
    def claim(cls, first_port: int, *, setting: str, **options: Any) -> "ValkeyCluster":
        """A cluster on ports from ``first_port`` upward, or on free ones for 0. Raises PortTaken."""
        count = options.get("shape", Shape()).nodes
        if first_port == ANY_PORT:
            free = free_ports(2 * count)
            return cls(free[:count], free[count:], **options)
        highest = PORT_MAX - BUS_OFFSET - count + 1
        if first_port > highest:
            raise PortTaken(
                f"port {first_port} leaves no room for the cluster's buses, {BUS_OFFSET} ports higher",
                f"give {setting} a port up to {highest}, or 0 for free ones",
            )
        ports = claim_range(first_port, count, server="a Valkey node", setting=setting)
        bus = claim_range(first_port + BUS_OFFSET, count, server="a Valkey node's cluster bus", setting=setting)
        return cls(ports, bus, **options)

    @property
    def urls(self) -> list[str]:
        return [f"redis://{LOOPBACK}:{port}" for port in self.ports]

    @property
    def uri(self) -> str:
        """Every node, comma-separated: any of them tells a client of the others."""
        return ",".join(self.urls)

    def names(self) -> list[str]:
        return [f"{named('valkey', self.of)}-{number}" for number in range(1, len(self.ports) + 1)]

    def servers(self, state: StateDir) -> list[Server]:
        """The nodes, emptied. The last is ready only when the cluster is formed and every master has its replica."""
        binary = str(valkey_binary())
        last = len(self.ports) - 1
        servers = []
        for index, name in enumerate(self.names()):
            shutil.rmtree(state.server_data(name))
            servers.append(
                Server(
                    name=name,
                    command=[binary, *self._options(index), "--dir", str(state.server_data(name))],
                    ready=self.formed if index == last else partial(Valkey.answers, Valkey(self.ports[index])),
                    stop_seconds=5,
                    hint="set ARENA_VALKEY_SERVER to a valkey-server or redis-server (7 or newer) of this machine",
                )
            )
        return servers

    def _options(self, index: int) -> list[str]:
        return [
            *("--port", str(self.ports[index])),
            *("--bind", LOOPBACK),
            *("--daemonize", "no"),
            *("--save", ""),
            *("--appendonly", "yes"),
            *("--cluster-enabled", "yes"),
            *("--cluster-port", str(self.bus_ports[index])),
            *("--cluster-announce-ip", LOOPBACK),
            *("--cluster-node-timeout", str(self.node_timeout_ms)),
            # As ElastiCache has it: while a master's slots have no owner, the others are served.
            *("--cluster-require-full-coverage", "no"),
            # A replica must not wait for company before it is given its copy.
            *("--repl-diskless-sync-delay", "0"),
        ]

    def formed(self) -> bool:
        """Whether every node says the cluster is whole; takes the next step towards it where it is not."""
        from redis import RedisError

        try:
            views = self.views()
            if is_formed(views, self.shape):
                return True
            for port, command in next_steps(views, self.shape):
                _ask(port, *command)
        except (RedisError, OSError):
            pass
        return False

    def views(self) -> list[NodeView]:
        """What each node says of itself and the others, in the order of the ports. Raises redis.RedisError."""
        return [self.view(index) for index in range(len(self.ports))]

    def view(self, index: int) -> NodeView:
        """What one node says. Raises redis.RedisError."""
        port = self.ports[index]
        info = _pairs(_ask(port, "CLUSTER", "INFO"))
        replication = _pairs(_ask(port, "INFO", "replication"))
        nodes = parse_nodes(_ask(port, "CLUSTER", "NODES"))
        return NodeView(
            port=port,
            bus_port=self.bus_ports[index],
            nodes=nodes,
            state_ok=info["cluster_state"] == "ok",
            copying=replication["role"] == "slave" and replication["master_link_status"] != "up",
        )


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _ask(port: int, *command: Any) -> str:
    # Imported here: the command line's help must not wait for the client.
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with Redis(
        host=LOOPBACK,
        port=port,
        decode_responses=True,
        protocol=2,
        socket_timeout=_PROBE_SECONDS,
        socket_connect_timeout=_PROBE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        # Answers as the node words them, for every command alike.
        client.response_callbacks.clear()
        return str(client.execute_command(*command))
