"""How many messages the region's queues hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chalicelib.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Depth:
    """Of one queue, about: SQS counts what its servers have told each other."""

    visible: int
    in_flight: int
    """In a consumer's hands."""
    delayed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """One queue and its dead letters; None is not known."""

    name: str
    depth: Depth | None = None
    dead_letters: int | None = None
    problem: str | None = None

    def counts(self) -> dict[str, int]:
        """By state; those not known are left out."""
        found = {} if self.depth is None else {"visible": self.depth.visible, "in_flight": self.depth.in_flight}
        found |= {} if self.depth is None else {"delayed": self.depth.delayed}
        return found if self.dead_letters is None else {**found, "dead": self.dead_letters}


class Asked(Protocol):
    """A queue that may be asked."""

    def depth(self) -> Depth:
        """Raises ``Unavailable``."""
        ...


class QueueWatch:
    """``queues`` by name: each and its dead letters, None where this function knows none."""

    def __init__(self, queues: Mapping[str, tuple[Asked | None, Asked | None]]) -> None:
        self._queues = queues

    def states(self) -> list[QueueState]:
        return [_state(name, *both) for name, both in self._queues.items()]


def _state(name: str, messages: Asked | None, dead: Asked | None) -> QueueState:
    problems: list[str] = []
    depth, letters = _asked(messages, "the queue", problems), _asked(dead, "its dead letters", problems)
    return QueueState(
        name=name,
        depth=depth,
        dead_letters=None if letters is None else letters.visible + letters.in_flight + letters.delayed,
        problem="; ".join(problems) or None,
    )


def _asked(queue: Asked | None, words: str, problems: list[str]) -> Depth | None:
    if queue is None:
        problems.append(f"{words}: not known here")
        return None
    try:
        return queue.depth()
    except Unavailable as error:
        problems.append(f"{words}: {error.code}")
        return None
