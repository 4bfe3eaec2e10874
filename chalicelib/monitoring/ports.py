"""Where the other rooms count, and what is asked of the cache."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Meter(Protocol):
    """Counts what happens in this environment. Called in a request's path: quick, and no label's value makes it raise.

    ``family`` is a name of ``families``, with all of its labels but ``instance``. A value that a label does not admit
    is not counted under its own name but as refused, so what is counted stays bounded.
    """

    def count(self, family: str, amount: int = 1, /, **labels: str) -> None:
        """Adds ``amount`` (at least 0) to a counter."""

    def observe(self, family: str, value: float, /, **labels: str) -> None:
        """Puts ``value`` (of seconds: at least 0) into a histogram."""

    def set(self, family: str, value: float, /, **labels: str) -> None:
        """Sets a gauge of this environment."""

    def watch(self, family: str, read: Callable[[], float], /, **labels: str) -> None:
        """A gauge of this environment that is asked when it is told, in place of being set with every change."""


class NoMeter:
    """Counts nothing."""

    def count(self, family: str, amount: int = 1, /, **labels: str) -> None:
        pass

    def observe(self, family: str, value: float, /, **labels: str) -> None:
        pass

    def set(self, family: str, value: float, /, **labels: str) -> None:
        pass

    def watch(self, family: str, read: Callable[[], float], /, **labels: str) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheNodeFigures:
    """What a node of the cache says of itself."""

    node: str
    """The beginning of its run id: another one after each of its starts."""
    memory_used_bytes: int
    operations_per_second: int


class CacheNodes(Protocol):
    """The cache's nodes."""

    def figures(self) -> Sequence[CacheNodeFigures]:
        """Of every node that answers; raises when none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingFigures:
    """What the last scaling evaluation saw. None: it could not tell."""

    requested: int
    """Provisioned environments asked for."""
    ready: int
    """Of these, ready to serve."""
    in_use: float | None
    """Environments busy at the same moment."""
    spilled_per_second: float | None
    """Requests that no provisioned environment served."""
