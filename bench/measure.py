"""What benchmarks measure with, and the report they print and write: conditions, rows of samples, single figures."""

import contextlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final, TypeVar

import click

Argument = TypeVar("Argument")

PARTS: Final = 10
"""Parts that samples without rounds are cut into, to show how steady they were."""

json_option = click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Also write the figures to this file.",
)


@contextlib.contextmanager
def ended_by_ctrl_c(meanwhile: str) -> Iterator[None]:
    """Around a run whose own ``with`` blocks clean up: a line that says so, ``meanwhile``, instead of a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"interrupted; {meanwhile}", err=True)
        sys.exit(130)


def timed(call: Callable[[Argument], object], arguments: Iterable[Argument]) -> list[float]:
    """Milliseconds that ``call`` takes, argument by argument."""
    taken = []
    for argument in arguments:
        started = time.perf_counter()
        call(argument)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of a row's ratio or of a figure's value."""

    at_most: float | None = None
    at_least: float | None = None

    def held(self, value: float) -> bool:
        """Neither above nor below."""
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def told(self, value: float) -> str:
        """The bounds, and whether ``value`` is within them."""
        bounds = [
            f"{sign} {bound:,.10g}"
            for sign, bound in (("<=", self.at_most), (">=", self.at_least))
            if bound is not None
        ]
        return f"budget {' and '.join(bounds)}: {'held' if self.held(value) else 'MISSED'}"


@dataclass(frozen=True, slots=True)
class Row:
    """Samples of one thing. ``low`` and ``high`` are the lowest and the highest median of a round."""

    section: str
    name: str
    n: int
    unit: str
    median: float
    p95: float
    low: float
    high: float
    beside: str | None = None
    ratio: float | None = None
    budget: Budget | None = None

    def __str__(self) -> str:
        text = (
            f"{self.name:<44} n {self.n:6,}  median {self.median:9.3f}  p95 {self.p95:9.3f} {self.unit:<5} "
            f"rounds {self.low:.3f} to {self.high:.3f}"
        )
        if self.ratio is not None:
            text += f"  {self.ratio:6.2f} x {self.beside}"
            text += f", {self.budget.told(self.ratio)}" if self.budget else ""
        return text


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that is no sample: a count, a size, a slope."""

    section: str
    name: str
    value: float
    unit: str = ""
    budget: Budget | None = None

    def __str__(self) -> str:
        text = f"{self.name:<44} {self.value:,.4g} {self.unit}".rstrip()
        return f"{text}  {self.budget.told(self.value)}" if self.budget else text


class Report:
    """What one benchmark found. Each line is printed when it is known; ``write`` makes the JSON of all."""

    def __init__(
        self, benchmark: str, conditions: Mapping[str, object], say: Callable[[str], None] = click.echo
    ) -> None:
        self._benchmark = benchmark
        self._say = say
        self._section = ""
        self._lines: list[Row | Figure] = []
        self._conditions = {
            **{"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
            **{"load before": round(os.getloadavg()[0], 2)},
            **conditions,
        }
        say(f"{benchmark}: " + ", ".join(f"{name} {value}" for name, value in self._conditions.items()))

    def section(self, title: str) -> None:
        """What follows belongs to ``title``."""
        self._section = title
        self._say(title)

    def row(
        self,
        name: str,
        rounds: Sequence[Sequence[float]],
        unit: str = "ms",
        *,
        beside: Row | None = None,
        budget: Budget | None = None,
    ) -> Row:
        """Samples in the order they were taken, by round; one round alone is cut into ``PARTS``.

        The ratio is that of the medians to ``beside``'s, which ``budget`` bounds.
        """
        samples = [value for each in rounds for value in each]
        medians = [median(each) for each in (_cut(samples) if len(rounds) == 1 else rounds) if each]
        middle, rising = median(samples), sorted(samples)
        row = Row(
            self._section,
            name,
            n=len(samples),
            unit=unit,
            median=middle,
            p95=rising[min(len(rising) - 1, len(rising) * 95 // 100)],
            low=min(medians),
            high=max(medians),
            beside=None if beside is None else beside.name,
            ratio=None if beside is None else middle / beside.median,
            budget=budget,
        )
        self._add(row)
        return row

    def figure(self, name: str, value: float, unit: str = "", *, budget: Budget | None = None) -> Figure:
        """One number."""
        figure = Figure(self._section, name, value, unit, budget)
        self._add(figure)
        return figure

    def write(self, path: Path | None) -> None:
        """The report as JSON, if there is somewhere to write it."""
        if path is not None:
            path.write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="utf-8")

    def as_json(self) -> dict[str, object]:
        """``rows`` and ``figures`` in the order they were found, and the load when all was done."""
        return {
            "benchmark": self._benchmark,
            "conditions": {**self._conditions, "load after": round(os.getloadavg()[0], 2)},
            "rows": [asdict(line) for line in self._lines if isinstance(line, Row)],
            "figures": [asdict(line) for line in self._lines if isinstance(line, Figure)],
        }

    def _add(self, line: Row | Figure) -> None:
        self._lines.append(line)
        self._say(f"  {line}")


def _cut(samples: Sequence[float]) -> list[Sequence[float]]:
    size = -(-len(samples) // PARTS)
    return [samples[start : start + size] for start in range(0, len(samples), size)]
