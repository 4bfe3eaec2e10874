"""The one way to Redis, the same for a single node and for a cluster.

What callers may rely on:

- A call ends within its budget: connecting, TLS, redirections, asking for the slot map and every answer share one
  deadline.
- Whatever fails is a ``CacheUnavailable``; nothing of the client library's errors gets out.
- A command is sent once. It is sent again only where the server said that it did not run it (MOVED, ASK, NOSCRIPT),
  never after a lost connection or a time-out.
- Commands for several nodes go out together and cost one round trip per node, side by side. A node that hangs costs
  only the commands that were for it.
- Each node has a breaker (``breaker``), so that a dead one is asked by one probe now and then and others go on.

Answers are what the server sends under RESP3, text decoded: SET gives ``"OK"`` or None, HGETALL a dict, scores are
floats, ``ZRANGE … WITHSCORES`` a list of ``[member, score]``.

Why not ``redis.RedisCluster``: after one time-out it asks for the slot map within the very call, again for each retry,
with a time-out of its own for every node it tries and no lower limit between two askings; every environment of a fleet
does so at the same moment, so that one hung node becomes a storm of CLUSTER SLOTS on the healthy ones and a call takes
several times its time-out. Here a time-out only notes that the map may be out of date (``topology``): one caller per
environment asks one healthy node, after a drawn delay, at most once in an interval that grows while nothing changes,
with at most half of what is left of its budget. docs/decisions/0012 tells more.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from chalicelib.cache.breaker import BreakerRules, Position
from chalicelib.cache.counters import CacheObserver, NoObserver, Outcome
from chalicelib.cache.errors import CacheRefused, CacheUnavailable
from chalicelib.cache.nodes import Node, OpenLink
from chalicelib.cache.rounds import Lane, Unit, travel
from chalicelib.cache.scripts import Script, load_script
from chalicelib.cache.slots import Address, SlotMap, parse_slots, single
from chalicelib.cache.topology import RefreshRules, Topology

__all__ = [
    "PATIENT",
    "QUICK",
    "CacheRefused",
    "CacheUnavailable",
    "Command",
    "DoorLimits",
    "RedisDoor",
    "Script",
    "load_script",
]

Command = tuple[Any, ...]
"""``("GET", key)``, ``("SET", key, value, "PX", 500)``; a script is ``(script, keys, arguments)``."""

REDIRECTIONS_MAX: Final = 4
REFRESH_SHARE: Final = 0.5
REFRESH_NODES_MAX: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """What a call may take, and how many connections one environment holds."""

    budget_seconds: float
    connections_per_node: int

    def connections(self, masters: int) -> int:
        """The most an environment holds to a deployment of so many masters, between two refreshes of the map."""
        return masters * self.connections_per_node


QUICK: Final = DoorLimits(budget_seconds=0.1, connections_per_node=2)
"""For what a player waits for."""
PATIENT: Final = DoorLimits(budget_seconds=5.0, connections_per_node=1)
"""For upkeep nobody waits for."""


class RedisDoor:
    """Commands to Redis within a budget. Safe for threads; connects at first use."""

    def __init__(
        self,
        startup: Sequence[Address],
        open_link: OpenLink,
        *,
        cluster: bool,
        limits: DoorLimits = QUICK,
        observer: CacheObserver | None = None,
        breaker_rules: BreakerRules | None = None,
        refresh_rules: RefreshRules | None = None,
        now: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits
        self._open_link = open_link
        self._observer = observer or NoObserver()
        self._breaker_rules = breaker_rules or BreakerRules()
        self._now = now
        self._draw = draw
        self._lone = None if cluster else single(startup[0])
        self._topology = Topology(tuple(startup), self._lone, refresh_rules or RefreshRules(), now, draw)
        self._nodes: dict[Address, Node] = {}
        self._nodes_lock = Lock()

    @classmethod
    def from_urls(cls, urls: Sequence[str], *, cluster: bool | None = None, **options: Any) -> "RedisDoor":
        """A door to the server at the first of ``urls``, or to the cluster any of them belongs to.

        ``cluster`` unsaid: several URLs are a cluster's. The first one's user, password and encryption serve for
        every node. ``options`` as for the constructor.
        """
        from chalicelib.cache.links import Link, Resolver, read_urls

        addresses, access = read_urls(urls)
        resolve = Resolver()
        if cluster is None:
            cluster = len(urls) > 1
        return cls(addresses, lambda address: Link(address, access, resolve), cluster=cluster, **options)

    def execute(self, *command: Any) -> Any:
        """The answer to one command. Raises ``CacheUnavailable``."""
        return _raised(self.attempt_all([command])[0])

    def execute_all(self, commands: Sequence[Command], *, atomic: bool = False) -> list[Any]:
        """The answers, in order; one round trip per node. Raises the first ``CacheUnavailable`` among them.

        ``atomic``: MULTI/EXEC; all keys in one slot.
        """
        return [_raised(answer) for answer in self.attempt_all(commands, atomic=atomic)]

    def attempt_all(self, commands: Sequence[Command], *, atomic: bool = False) -> list[Any]:
        """As ``execute_all``, but what failed stands in the list as its ``CacheUnavailable``."""
        if not commands:
            return []
        units = [Unit.transaction(commands)] if atomic else [Unit.of(command) for command in commands]
        name = "transaction" if atomic else units[0].name if len(units) == 1 else "pipeline"
        self._run(name, units)
        if atomic:
            outcome = units[0].outcome
            return [outcome] * len(commands) if isinstance(outcome, CacheUnavailable) else list(outcome)
        return [unit.outcome for unit in units]

    def script(self, script: Script, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        """What ``script`` returns; all ``keys`` in one slot. Raises ``CacheUnavailable``."""
        return self.execute(script, keys, args)

    def scripts(self, calls: Sequence[tuple[Script, Sequence[str], Sequence[Any]]]) -> list[Any]:
        """What each call returns, in order; one round trip per node that knows the scripts, two where one is new."""
        return self.execute_all(calls)

    def execute_each(self, *command: Any) -> Mapping[Address, Any]:
        """What every master answers to a command without keys (INFO …), or its ``CacheUnavailable``.

        Raises ``CacheUnavailable`` when the masters are not known.
        """
        deadline = time.monotonic() + self.limits.budget_seconds
        self._refresh_if_due(deadline)
        units = [Unit.of(command, target=master) for master in self._known_map().masters]
        self._run(units[0].name, units, deadline)
        return {unit.target: unit.outcome for unit in units if unit.target is not None}

    def ping(self) -> None:
        """Raises ``CacheUnavailable`` unless every master answers."""
        for answer in self.execute_each("PING").values():
            _raised(answer)

    def positions(self) -> Mapping[str, Position]:
        """Each known node's breaker, by ``host:port``."""
        with self._nodes_lock:
            return {f"{host}:{port}": node.position() for (host, port), node in self._nodes.items()}

    def close(self) -> None:
        """Gives every connection back. The door can be used again."""
        with self._nodes_lock:
            nodes, self._nodes = list(self._nodes.values()), {}
        for node in nodes:
            node.close()

    def _known_map(self) -> SlotMap:
        current = self._topology.current
        if current is None:
            raise CacheUnavailable("no node of the cluster told who serves what")
        return current

    def _node(self, address: Address) -> Node:
        with self._nodes_lock:
            node = self._nodes.get(address)
            if node is None:
                connections, rules = self.limits.connections_per_node, self._breaker_rules
                node = Node(address, connections, self._open_link, rules, self._observer, self._now, self._draw)
                self._nodes[address] = node
            return node

    def _run(self, name: str, units: Sequence[Unit], deadline: float | None = None) -> None:
        """Gives every unit its outcome."""
        started = time.monotonic()
        deadline = deadline or started + self.limits.budget_seconds
        self._refresh_if_due(deadline)
        waiting = list(units)
        for _ in range(REDIRECTIONS_MAX + 1):
            travel(self._lanes(waiting), deadline, self._topology.want)
            waiting = [unit for unit in waiting if unit.again(self._topology)]
            if not waiting:
                break
        for unit in units:
            unit.settle(self._topology)
        self._observer.command(name, time.monotonic() - started, _outcome(units))

    def _lanes(self, units: Iterable[Unit]) -> list[Lane]:
        """``units`` by the node that serves them. Those nobody serves have their outcome."""
        by_address: dict[Address, list[Unit]] = defaultdict(list)
        for unit in units:
            try:
                by_address[unit.target or self._owner(unit)].append(unit)
            except CacheUnavailable as error:
                unit.refuse(error.reason)
        # In one order everywhere, or two threads could each hold the connection the other waits for.
        return [Lane(self._node(address), by_address[address]) for address in sorted(by_address)]

    def _owner(self, unit: Unit) -> Address:
        current = self._known_map()
        if current is self._lone:
            return current.masters[0]
        slot = unit.slot()
        if slot is None:
            closed = [master for master in current.masters if self._node(master).position() == "closed"]
            return random.choice(closed or list(current.masters))
        owner = current.owner(slot)
        if owner is None:
            self._topology.want()
            raise CacheUnavailable(f"no node serves slot {slot}")
        return owner

    def _refresh_if_due(self, deadline: float) -> None:
        topology = self._topology
        if not topology.is_due() or not topology.begin(deadline):
            return
        found = None
        try:
            # A server that is no cluster has no map to tell.
            lone = topology.current is not None and topology.current is self._lone
            found = self._lone if lone else self._ask_for_map(deadline)
        finally:
            topology.finish(found)
            if found is not None:
                self._forget_others(found)

    def _ask_for_map(self, deadline: float) -> SlotMap | None:
        started = time.monotonic()
        if self._topology.current is not None:
            deadline = started + (deadline - started) * REFRESH_SHARE
        for address in self._advisers()[:REFRESH_NODES_MAX]:
            unit = Unit.of(("CLUSTER", "SLOTS"), target=address)
            now = time.monotonic()
            travel([Lane(self._node(address), [unit])], now + (deadline - now) / 2, lambda: None)
            unit.settle(self._topology)
            try:
                found = parse_slots(_raised(unit.outcome), address[0])
            except (CacheUnavailable, ValueError):
                continue
            self._observer.refresh(True)
            return found
        self._observer.refresh(False)
        return None

    def _advisers(self) -> list[Address]:
        """Nodes that can tell the slot map, in drawn order; healthy masters first, for there are connections to them.

        The names the door began with come last: they may be of nodes that are long gone, or the only ones that work.
        """
        current = self._topology.current
        groups = [self._topology.startup] if current is None else [current.masters, current.replicas]
        drawn = []
        for group in groups:
            order = [address for address in group if self._node(address).position() == "closed"]
            random.shuffle(order)
            drawn += order
        return [*drawn, *self._topology.startup] if current is not None else drawn or list(self._topology.startup)

    def _forget_others(self, current: SlotMap) -> None:
        """Closes what the map no longer needs: nodes that are gone, and connections to replicas."""
        with self._nodes_lock:
            gone = [address for address in self._nodes if address not in (*current.masters, *current.replicas)]
            closing = [self._nodes.pop(address) for address in gone]
            idle = [node for address, node in self._nodes.items() if address in current.replicas]
        for node in closing:
            node.close()
        for node in idle:
            node.shed()


def _raised(outcome: Any) -> Any:
    if isinstance(outcome, CacheUnavailable):
        raise outcome
    return outcome


def _outcome(units: Sequence[Unit]) -> Outcome:
    failures = [unit for unit in units if isinstance(unit.outcome, CacheUnavailable)]
    if not failures:
        return "ok"
    return "error" if any(unit.tried for unit in failures) else "refused"
