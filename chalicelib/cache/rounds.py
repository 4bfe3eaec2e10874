"""One round trip to several nodes at once: everything is sent first, then answers are taken as they come."""

import math
import select
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from chalicelib.cache.errors import CacheRefused, CacheUnavailable, LinkBroken, Refusal
from chalicelib.cache.nodes import Node
from chalicelib.cache.scripts import Script
from chalicelib.cache.slots import Address, slot_of, slot_of_command
from chalicelib.cache.topology import Topology

if TYPE_CHECKING:
    from chalicelib.cache.links import Link

STATE_CODES: Final = frozenset({"CLUSTERDOWN", "MASTERDOWN", "READONLY", "TRYAGAIN", "LOADING", "MOVED", "ASK"})
"""Errors that tell of the server's state rather than of the command."""
_PENDING: Final = object()


@dataclass(slots=True, eq=False)
class Unit:
    """What goes to one node as a whole: a command, a script or a transaction."""

    name: str
    wire: list[tuple[Any, ...]]
    target: Address | None = None
    """The node to use instead of the slot's."""
    script: Script | None = None
    outcome: Any = _PENDING
    tried: bool = False
    """Whether a node was asked, or a connection to it tried."""

    @staticmethod
    def of(command: Sequence[Any], target: Address | None = None) -> "Unit":
        """Raises ``ValueError`` when the keys of a script are in several slots."""
        first = command[0]
        if isinstance(first, Script):
            _, keys, args = command
            if len(keys) > 1:
                _one_slot(map(slot_of, keys), f"the script {first.name}")
            return Unit(f"script:{first.name}", [("EVALSHA", first.sha, len(keys), *keys, *args)], target, first)
        return Unit(str(first).upper(), [tuple(command)], target)

    @staticmethod
    def transaction(commands: Sequence[Sequence[Any]]) -> "Unit":
        """MULTI/EXEC of ``commands``. Raises ``ValueError`` when their keys are in several slots."""
        wire = []
        for command in commands:
            if isinstance(command[0], Script):
                # Within a transaction an unknown script can't be sent again.
                script, keys, args = command
                command = ("EVAL", script.text, len(keys), *keys, *args)
            wire.append(tuple(command))
        _one_slot(map(slot_of_command, wire), "a transaction")
        return Unit("transaction", [("MULTI",), *wire, ("EXEC",)])

    def slot(self) -> int | None:
        """None where any node will do."""
        return next((slot for slot in map(slot_of_command, self.wire) if slot is not None), None)

    def refuse(self, reason: str) -> None:
        self.outcome = CacheUnavailable(reason, tried=self.tried)

    def take(self, answers: list[Any]) -> None:
        if self.name == "transaction":
            queued = (answer for answer in answers if isinstance(answer, Refusal))
            self.outcome = next(queued, answers[-1])
        else:
            self.outcome = answers[-1]

    def again(self, topology: Topology) -> bool:
        """Whether the server said that it did not run this, and where or how it will."""
        found = self.outcome
        if not isinstance(found, Refusal):
            return False
        if found.code == "NOSCRIPT" and self.script is not None and self.wire[-1][0] == "EVALSHA":
            self.wire[-1] = ("EVAL", self.script.text, *self.wire[-1][2:])
        elif found.target is not None:
            if self.wire[0] == ("ASKING",):
                self.wire.pop(0)
            if found.code == "ASK":
                self.wire.insert(0, ("ASKING",))
            else:
                topology.moved(found.slot, found.target)
            self.target = found.target
        else:
            return False
        self.outcome = _PENDING
        return True

    def settle(self, topology: Topology) -> None:
        """Turns an answer that is an error into the exception it means."""
        if self.outcome is _PENDING:
            self.refuse("sent on from node to node too often")
        found = self.outcome
        if isinstance(found, list):
            found = next((part for part in found if isinstance(part, Refusal)), None)
        if not isinstance(found, Refusal):
            return
        if found.code in STATE_CODES:
            topology.want()
            self.refuse(found.code)
        else:
            text = found.text if found.text.startswith(found.code) else f"{found.code} {found.text}"
            self.outcome = CacheRefused(text, tried=True)


def _one_slot(slots: Iterable[int | None], what: str) -> None:
    """Asked on a single node, too: what works there must work on a cluster."""
    if len(set(slots) - {None}) > 1:
        raise ValueError(f"the keys of {what} are in several slots")


@dataclass(slots=True, eq=False)
class Lane:
    """The units for one node, and how it took them."""

    node: Node
    units: list[Unit]
    link: "Link | None" = None
    answered: bool | None = None
    """None: nothing was learnt about the node."""

    def enter(self, deadline: float) -> "Link | None":
        """A connection, perhaps not connected yet; None when the node is not to be asked."""
        if not self.node.admit():
            self.fail("lately it did not answer, and it is left alone for a while")
            return None
        self.link = self.node.take(deadline)
        if self.link is None:
            self.node.released()
            self.fail("every connection is busy")
        return self.link

    def send(self, link: "Link", connect_by: float, deadline: float) -> bool:
        """Whether everything is on its way."""
        if time.monotonic() >= deadline:
            self.fail("the budget was used up")
            return False
        try:
            for unit in self.units:
                unit.tried = True
            if not link.connected:
                link.connect(connect_by)
            link.send([command for unit in self.units for command in unit.wire], deadline)
        except LinkBroken as error:
            self.lose(str(error))
            return False
        return True

    def receive(self, link: "Link") -> None:
        answers: list[Any] = []
        broken = None
        try:
            link.receive(sum(len(unit.wire) for unit in self.units), answers)
        except LinkBroken as error:
            broken = error
        taken = 0
        for unit in self.units:
            until = taken + len(unit.wire)
            if until <= len(answers):
                unit.take(answers[taken:until])
            taken = until
        if broken is not None:
            self.lose(str(broken))
            return
        self.answered = True
        if any(isinstance(unit.outcome, Refusal) and unit.outcome.code == "READONLY" for unit in self.units):
            # A master no more: its name may stand for another server by now.
            link.close()

    def lose(self, reason: str) -> None:
        """The node did not answer."""
        self.answered = False
        self.fail(reason)

    def fail(self, reason: str) -> None:
        host, port = self.node.address
        for unit in self.units:
            if unit.outcome is _PENDING:
                unit.refuse(f"{host}:{port}: {reason}")

    def leave(self) -> None:
        if self.link is None:
            return
        if not self.answered:
            # Answers may still come, and belong to nobody.
            self.link.close()
        self.node.give_back(self.link)
        if self.answered is None:
            self.node.released()
        elif self.answered:
            self.node.succeeded()
        else:
            self.node.failed()


def travel(lanes: Sequence[Lane], deadline: float, want_map: Callable[[], None]) -> None:
    """Gives every unit of ``lanes`` an outcome: an answer, a refusal or a ``CacheUnavailable``.

    ``want_map`` is called when a node did not answer, or is not asked because it lately did not.
    """
    try:
        entered = [(lane, link) for lane in lanes if (link := lane.enter(deadline)) is not None]
        # New connections come last and get a part of the time each: one that hangs must not keep the others.
        entered.sort(key=lambda pair: not pair[1].connected)
        sent: list[tuple[Lane, Link]] = []
        for place, (lane, link) in enumerate(entered):
            now = time.monotonic()
            connect_by = deadline if place == len(entered) - 1 and not sent else now + (deadline - now) / 2
            if lane.send(link, connect_by, deadline):
                sent.append((lane, link))
        if len(sent) == 1:
            sent[0][0].receive(sent[0][1])
        else:
            _receive_as_ready(sent, deadline)
    finally:
        for lane in lanes:
            lane.leave()
    if any(not lane.answered for lane in lanes):
        want_map()


def _receive_as_ready(sent: "Sequence[tuple[Lane, Link]]", deadline: float) -> None:
    poll = select.poll()
    waiting = {}
    for lane, link in sent:
        waiting[link.fileno()] = lane, link
        poll.register(link.fileno(), select.POLLIN)
    while waiting:
        ready = poll.poll(math.ceil(1000 * max(0.0, deadline - time.monotonic())))
        if not ready:
            break
        for descriptor, _ in ready:
            lane, link = waiting.pop(descriptor)
            poll.unregister(descriptor)
            lane.receive(link)
    for lane, _ in waiting.values():
        lane.lose("no answer within the budget")
