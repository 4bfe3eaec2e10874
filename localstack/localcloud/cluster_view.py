"""What the nodes of a cluster say, and what is still to be done until they are one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

SLOTS = 16_384
_UNUSABLE = frozenset({"handshake", "noaddr", "fail", "fail?"})

Step = tuple[int, tuple[str | int, ...]]
"""A node's port, and the command to give it."""


@dataclass(frozen=True)
class Shape:
    """How many masters, and how many replicas each has."""

    masters: int = 3
    replicas_each: int = 1

    @property
    def nodes(self) -> int:
        return self.masters * (1 + self.replicas_each)

    def slots(self, master: int) -> tuple[int, int]:
        """First and last slot of the master with that index: equal shares."""
        return master * SLOTS // self.masters, (master + 1) * SLOTS // self.masters - 1


@dataclass(frozen=True)
class Node:
    """One line of CLUSTER NODES. ``master`` is the id of the master it copies, None for a master."""

    id: str
    flags: frozenset[str]
    master: str | None
    epoch: int
    slots: int

    @property
    def usable(self) -> bool:
        return not self.flags & _UNUSABLE


@dataclass(frozen=True)
class NodeView:
    """What one node says: of itself, and of those it knows. ``copying`` = a replica without its master's data yet."""

    port: int
    bus_port: int
    nodes: Sequence[Node]
    state_ok: bool
    copying: bool

    @property
    def myself(self) -> Node:
        return next(node for node in self.nodes if "myself" in node.flags)

    def knows(self, ids: frozenset[str]) -> bool:
        """Whether it can reach every one of them."""
        return ids <= {node.id for node in self.nodes if node.usable}


def parse_nodes(text: str) -> list[Node]:
    """CLUSTER NODES: id, address, flags, master, ping, pong, epoch, link, then slots (``5``, ``0-99``, ``[…]``)."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        ranges = [field for field in fields[8:] if not field.startswith("[")]
        found.append(
            Node(
                id=fields[0],
                flags=frozenset(fields[2].split(",")),
                master=None if fields[3] == "-" else fields[3],
                epoch=int(fields[6]),
                slots=sum(_size(field) for field in ranges),
            )
        )
    return found


def _size(slots: str) -> int:
    first, _, last = slots.partition("-")
    return int(last or first) - int(first) + 1


def is_formed(views: Sequence[NodeView], shape: Shape) -> bool:
    """Whether every node knows all of them, all slots are served and each master has its replicas, up to date."""
    ids = frozenset(view.myself.id for view in views)
    if not all(view.state_ok and not view.copying and view.knows(ids) for view in views):
        return False
    return all(_is_whole(view.nodes, shape) for view in views)


def _is_whole(nodes: Sequence[Node], shape: Shape) -> bool:
    masters = [node for node in nodes if node.usable and node.slots]
    copied = [node.master for node in nodes if node.usable and node.master]
    return sum(node.slots for node in masters) == SLOTS and all(
        copied.count(master.id) >= shape.replicas_each for master in masters
    )


def next_steps(views: Sequence[NodeView], shape: Shape) -> list[Step]:
    """The commands that bring the cluster nearer to its shape; none when all that is left is to wait.

    Safe to ask again at any time: each command follows from what the nodes say now.
    """
    if not any(node.slots for view in views for node in view.nodes):
        return _deal_slots(views, shape)
    first = views[0]
    strangers = [view for view in views[1:] if not first.knows(frozenset({view.myself.id}))]
    if strangers:
        return [(first.port, ("CLUSTER", "MEET", "127.0.0.1", view.port, view.bus_port)) for view in strangers]
    ids = frozenset(view.myself.id for view in views)
    if not all(view.knows(ids) for view in views):
        return []
    return _replicate(views)


def _deal_slots(views: Sequence[NodeView], shape: Shape) -> list[Step]:
    """Slots for the masters, and an epoch for each node, which must differ before they meet."""
    steps: list[Step] = [
        (view.port, ("CLUSTER", "SET-CONFIG-EPOCH", number))
        for number, view in enumerate(views, 1)
        if view.myself.epoch == 0 and len(view.nodes) == 1
    ]
    return steps + [
        (views[index].port, ("CLUSTER", "ADDSLOTSRANGE", *shape.slots(index))) for index in range(shape.masters)
    ]


def _replicate(views: Sequence[NodeView]) -> list[Step]:
    """Every node without slots copies a master: the one that has the fewest copies."""
    copies = {view.myself.id: 0 for view in views if view.myself.slots}
    for view in views:
        if view.myself.master in copies:
            copies[view.myself.master] += 1
    steps: list[Step] = []
    for view in views:
        if view.myself.master is None and not view.myself.slots:
            chosen = min(copies, key=lambda master: copies[master])
            copies[chosen] += 1
            steps.append((view.port, ("CLUSTER", "REPLICATE", chosen)))
    return steps
