"""Traffic traces: CSV files of requests per minute, and arrivals drawn from them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infra.simulation.lambda_model import TICK_SECONDS, LambdaModel

HEADER = ("minute", "requests")


class MalformedTrace(ValueError):
    """A trace that cannot be used; says the file, the line and what to do."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests in each minute, contiguous from minute 0."""

    name: str
    counts: tuple[int, ...]

    @property
    def minutes(self) -> int:
        return len(self.counts)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Every request of a trace: when it comes and how long it takes."""

    at: NDArray[np.float64]
    """Seconds from the start of the trace, ascending."""
    service: NDArray[np.float64]
    """Seconds in a warm environment."""
    ticks: NDArray[np.int64]
    """``at[ticks[i]:ticks[i + 1]]`` arrive within tick ``i``."""
    minutes: int


def read_trace(path: Path) -> Trace:
    """The trace in ``path``.

    Raises MalformedTrace with file, line and remedy.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedTrace(f"{path}: cannot be read as UTF-8 text ({error})") from error
    if not rows or tuple(cell.strip() for cell in rows[0]) != HEADER:
        raise MalformedTrace(f"{path}:1: the first line must be {','.join(HEADER)!r}")
    counts = []
    for line, row in enumerate(rows[1:], 2):
        if not row and line == len(rows):
            break
        if len(row) != len(HEADER):
            raise MalformedTrace(f"{path}:{line}: expected 2 columns, found {len(row)}; write minute,requests")
        minute, requests = (cell.strip() for cell in row)
        if minute != str(line - 2):
            raise MalformedTrace(
                f"{path}:{line}: minute {minute!r} where {line - 2} should be; "
                "minutes must start at 0 and leave none out (write 0 requests for a silent one)"
            )
        if not (requests.isascii() and requests.isdigit()):
            raise MalformedTrace(f"{path}:{line}: requests must be a whole number of at least 0, found {requests!r}")
        counts.append(int(requests))
    if not counts:
        raise MalformedTrace(f"{path}:2: no minutes; a trace needs at least one")
    return Trace(path.stem, tuple(counts))


def scaled(counts: NDArray[np.int64], factor: float, random: np.random.Generator) -> NDArray[np.int64]:
    """Another rate of the same traffic: thinned below 1 (binomial); above, the surplus is drawn (Poisson).

    Plain multiplication would make noise that no service has.
    """
    if factor == 1.0:
        return counts
    if factor < 1.0:
        return random.binomial(counts, factor)
    return counts + random.poisson(counts * (factor - 1.0))


def draw_arrivals(trace: Trace, model: LambdaModel, seed: int, scale: float = 1.0) -> Arrivals:
    """Spreads each minute's counted requests over it as a Poisson process does, given its count: uniformly."""
    random = np.random.default_rng(seed)
    counts = scaled(np.asarray(trace.counts, dtype=np.int64), scale, random)
    total = int(counts.sum())
    minute = np.repeat(np.arange(len(counts), dtype=np.float64), counts)
    at = 60.0 * (minute + random.random(total))
    at.sort()
    sigma = model.log_sigma
    mean = np.log(model.service_mean_seconds) - sigma**2 / 2
    service = random.lognormal(mean, sigma, total)
    edges = np.arange(len(counts) * 60 // TICK_SECONDS + 1, dtype=np.float64) * TICK_SECONDS
    return Arrivals(at=at, service=service, ticks=np.searchsorted(at, edges), minutes=len(counts))
