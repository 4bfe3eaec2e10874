"""A panel of the Grafana dashboard, as data.

``$region`` and ``$instance`` are what is chosen at the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Thresholds = tuple[tuple[float, str], ...]
"""From which value on which colour."""


@dataclass(frozen=True, slots=True)
class Query:
    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    title: str
    queries: Sequence[Query]
    unit: str
    """One of Grafana's."""
    meaning: str = ""
    kind: Literal["timeseries", "stat"] = "timeseries"
    width: int = 8
    """Of 24."""
    thresholds: Thresholds = ()
    least: float | None = 0
    """Where the axis begins."""


def one(expr: str, legend: str = "{{region}}") -> tuple[Query, ...]:
    return (Query(expr, legend),)


def percentiles(histogram: str, by: str = "", chosen: str = "") -> tuple[Query, ...]:
    """50th, 95th, 99th."""
    grouped, legend = (f"region, {by}, le", f" {{{{{by}}}}}") if by else ("region, le", "")
    selector = f'{histogram}_bucket{{region=~"$region"{chosen}}}'
    return tuple(
        Query(
            f"histogram_quantile({share}, sum by ({grouped}) (rate({selector}[$__rate_interval])))",
            f"p{100 * share:.0f} {{{{region}}}}{legend}",
        )
        for share in (0.5, 0.95, 0.99)
    )
