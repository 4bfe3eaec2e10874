"""What an environment has counted and the region does not know yet. Pure.

A flush whose answer is lost may have arrived. So it is sent again as it was, under its number, before anything newer:
the receiver adds each number once, and nothing is lost or counted twice. What is counted meanwhile waits for the next.
"""

from collections.abc import Mapping
from typing import NamedTuple

from chalicelib.monitoring.registry import Values


class Batch(NamedTuple):
    """Increments under one number. ``upto`` are the values they lead to."""

    sequence: int
    increments: Values
    upto: Values


class Outgoing:
    """Batches of one environment, one at a time."""

    def __init__(self) -> None:
        self._known: Values = {}
        self._sequence = 0
        self._pending: Batch | None = None

    def next(self, values: Values) -> Batch:
        """The batch to send: the one not acknowledged yet, or else what ``values`` are more than what is known."""
        if self._pending is None:
            self._pending = Batch(self._sequence + 1, growth(self._known, values), values)
        return self._pending

    def acknowledge(self, batch: Batch) -> None:
        self._known, self._sequence, self._pending = batch.upto, batch.sequence, None

    def is_behind(self, values: Values) -> bool:
        """Whether anything of ``values`` may be unknown to the region."""
        return values != self._known


def growth(before: Values, after: Values) -> Mapping[str, int]:
    """What was added, by series; the whole value where it went back, because then it began anew."""
    increments = {}
    for key, value in after.items():
        former = before.get(key, 0)
        if value != former:
            increments[key] = value - former if value > former else value
    return increments
