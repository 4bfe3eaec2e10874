"""Timing one call many times."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Argument = TypeVar("Argument")


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds."""

    p50: float
    p99: float

    def __str__(self) -> str:
        return f"p50 {self.p50:8.3f} ms   p99 {self.p99:8.3f} ms"


def timed(call: Callable[[Argument], object], arguments: Iterable[Argument]) -> Timing:
    """How long ``call`` takes, argument by argument."""
    taken = []
    for argument in arguments:
        started = time.perf_counter()
        call(argument)
        taken.append((time.perf_counter() - started) * 1000)
    return of_sorted(sorted(taken))


def of_sorted(taken: Sequence[float]) -> Timing:
    """The timing of calls that took so many milliseconds, in rising order."""
    return Timing(taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)])
