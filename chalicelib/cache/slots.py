"""Redis Cluster's hash slots: which slot a key has, which node serves it. Pure."""

from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SLOTS: Final = 16384

Address = tuple[str, int]
"""Host and port."""

_FIRST_KEY_AT: Final[Mapping[str, int]] = {
    **dict.fromkeys(("EVAL", "EVAL_RO", "EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO"), 3),
    **dict.fromkeys(("ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "SINTERCARD"), 2),
    **dict.fromkeys(("OBJECT", "MEMORY", "XINFO", "XGROUP", "BITOP"), 2),
}
"""Where a command's first key stands, where that is not right behind its name."""

_KEYLESS: Final = frozenset(
    {
        *("PING", "ECHO", "TIME", "INFO", "ROLE", "CLUSTER", "CLIENT", "CONFIG", "COMMAND", "SCRIPT"),
        *("MULTI", "EXEC", "ASKING", "DBSIZE", "FLUSHALL", "FLUSHDB", "SCAN", "LATENCY", "SLOWLOG"),
    }
)


def slot_of(key: str) -> int:
    """The slot of ``key``: CRC-16/XMODEM of its hash tag, or of the whole key without one (Redis Cluster's rule)."""
    data = key.encode("utf-8", "surrogatepass")
    start = data.find(b"{")
    if start >= 0:
        end = data.find(b"}", start + 1)
        if end > start + 1:
            data = data[start + 1 : end]
    return crc_hqx(data, 0) % SLOTS


def slot_of_command(command: Sequence[Any]) -> int | None:
    """The slot of the command's first key; None where any node will do."""
    name = str(command[0]).upper()
    if name in _KEYLESS:
        return None
    place = _FIRST_KEY_AT.get(name, 1)
    if place == 3 and int(command[2]) == 0:
        return None
    return slot_of(str(command[place]))


@dataclass(frozen=True, slots=True)
class SlotMap:
    """Who serves what, as one node told it."""

    masters: tuple[Address, ...]
    owners: tuple[int, ...]
    """By slot, the place of its node in ``masters``; -1 = nobody serves it."""
    replicas: tuple[Address, ...] = ()

    def owner(self, slot: int) -> Address | None:
        place = self.owners[slot]
        return None if place < 0 else self.masters[place]

    def moved(self, slot: int, to: Address) -> "SlotMap":
        """The map after a node said that ``slot`` is served by ``to``."""
        masters = self.masters if to in self.masters else (*self.masters, to)
        owners = (*self.owners[:slot], masters.index(to), *self.owners[slot + 1 :])
        replicas = tuple(replica for replica in self.replicas if replica != to)
        return SlotMap(masters, owners, replicas)


def single(address: Address) -> SlotMap:
    """The map of a server that is no cluster: it serves every slot."""
    return SlotMap((address,), (0,) * SLOTS)


def parse_slots(answer: Sequence[Sequence[Any]], asked: str) -> SlotMap:
    """The map in an answer to CLUSTER SLOTS: ``[first, last, master, replica, …]`` with nodes ``[host, port, …]``.

    ``asked`` is the host that answered, which an absent host stands for. Raises ``ValueError`` for another shape.
    """
    masters: dict[Address, int] = {}
    replicas: dict[Address, None] = {}
    owners = [-1] * SLOTS
    try:
        for first, last, master, *others in answer:
            address = _address(master, asked)
            if address is None:
                continue
            place = masters.setdefault(address, len(masters))
            owners[int(first) : int(last) + 1] = [place] * (int(last) - int(first) + 1)
            replicas.update((found, None) for found in (_address(node, asked) for node in others) if found is not None)
    except (TypeError, IndexError, ValueError) as error:
        raise ValueError("not an answer to CLUSTER SLOTS") from error
    if not masters or len(owners) != SLOTS:
        raise ValueError("CLUSTER SLOTS names no master")
    return SlotMap(tuple(masters), tuple(owners), tuple(replicas))


def _address(node: Sequence[Any], asked: str) -> Address | None:
    host = node[0]
    if host == "?":
        return None
    return (str(host) if host else asked, int(node[1]))
