"""What environments tell their region, and what the region knows: ports and the data that passes through them.

Missing is not zero: what a platform can't say, or what there was too little time to measure, is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from chalicelib.monitoring.figures import NOTHING, Figures, figures_data, read_figures
from chalicelib.monitoring.history import MinutePoint
from chalicelib.monitoring.registry import Values

FLUSH_SECONDS: Final = 5.0
"""Least time between two flushes of one environment; also the most an environment can lose when it dies busy."""
REPORT_SECONDS: Final = 60.0
"""How long a report counts as living. Scheduled work comes each minute, so nothing that works is missed by it."""
REPORT_LIFE: Final = timedelta(seconds=REPORT_SECONDS)
SEQUENCE_KEPT: Final = timedelta(days=1)
"""How long it is known which batch of an environment was added last: longer than one lives between two flushes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceReport:
    """One execution environment, as it was at ``at``."""

    instance: str
    at: datetime
    function: str | None = None
    """The Lambda function's name; None elsewhere."""
    function_version: str | None = None
    initialization: str | None = None
    """``provisioned-concurrency``, ``on-demand`` or ``snap-start``, as Lambda says; None elsewhere."""
    window_seconds: float | None = None
    """What ``cpu_share``, ``request_rate`` and ``busy_share`` are averages of: the time since the report before."""
    cpu_share: float | None = None
    """CPU seconds by second and vCPU; 1 = all the memory size gives."""
    memory_share: float | None = None
    """Resident memory by memory size."""
    request_rate: float | None = None
    """Units of work per second: requests, messages of queues, runs."""
    busy_share: float | None = None
    """Units of work in flight on average. A Lambda environment does one at a time, so there it is at most 1."""
    in_flight: int = 0
    """Units of work being done at ``at``, the one that carries the report included."""
    gauges: Mapping[str, float] = field(default_factory=dict)
    """Further gauges by series key."""
    figures: Figures = NOTHING

    @property
    def active_connections(self) -> int:
        """Connections this environment holds: one for each request in flight. Open WebSockets are held by
        API Gateway, not by an environment, and counted for the region."""
        return self.in_flight

    def is_live(self, now: datetime) -> bool:
        return now - self.at < REPORT_LIFE


_PLAIN: Final = (
    *("instance", "function", "function_version", "initialization", "window_seconds", "cpu_share", "memory_share"),
    *("request_rate", "busy_share", "in_flight"),
)


def to_fields(report: InstanceReport) -> dict[str, Any]:
    """``report`` without ``at`` as JSON values; a missing one has no field."""
    fields = {name: getattr(report, name) for name in _PLAIN}
    plain = {name: value for name, value in fields.items() if value is not None}
    return {**plain, "gauges": dict(report.gauges), "figures": figures_data(report.figures)}


def from_fields(fields: Mapping[str, Any], at: datetime) -> InstanceReport:
    """The reverse of ``to_fields``; fields of another release are left aside."""
    known = {name: fields[name] for name in (*_PLAIN, "gauges") if name in fields}
    return InstanceReport(at=at, figures=read_figures(fields.get("figures", {})), **known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """What an environment tells at once."""

    sequence: int
    """From 1, rising. What is sent again has the number and the increments it had."""
    increments: Values
    """Counted since the flush before, by series."""
    report: InstanceReport
    own: Values
    """Cumulative numbers of this environment for series told of each instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionRecord:
    """What the scheduled aggregation found: gauges of the whole region, and where its next run goes on from."""

    at: datetime
    gauges: Mapping[str, float]
    """By series key."""
    baseline: Values
    """Totals as they were at ``at``, of the series whose growth is published."""
    grown: Values = field(default_factory=dict)
    """What was added to them since the run before, ``seconds`` earlier."""
    seconds: float | None = None
    """None when there was none to compare with."""

    def is_live(self, now: datetime) -> bool:
        return now - self.at < RECORD_LIFE


RECORD_LIFE: Final = timedelta(minutes=3)
"""How long the aggregation's gauges count: it may miss a minute or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionState:
    """Everything the region's environments share."""

    totals: Values
    """By series, of all environments there ever were."""
    reports: Sequence[InstanceReport]
    """Of living environments, by instance."""
    own: Mapping[str, Values]
    """By instance, of those in ``reports``."""
    record: RegionRecord | None
    """The last one, however old."""


class InstanceReports(Protocol):
    """For whoever decides by what environments say."""

    def live(self, now: datetime) -> list[InstanceReport]:
        """Reports not older than ``REPORT_SECONDS``, by instance. An idle environment reports nothing, so there may be
        fewer than there are environments. Raises what its store raises."""


class SharedMetrics(InstanceReports, Protocol):
    """The region's shared state. Methods raise what their store raises when it does not answer."""

    def flush(self, flush: Flush) -> None:
        """Adds the increments once, however often a flush of this sequence arrives; one of a lower sequence than the
        last one adds nothing. Puts the report in place of the instance's former one."""

    def state(self, now: datetime) -> RegionState:
        """Everything, reports older than ``REPORT_SECONDS`` left out."""

    def record(self, record: RegionRecord) -> None:
        """Puts ``record`` in place of the former one."""

    def keep(self, point: MinutePoint) -> None:
        """Puts the point in place of the former one of its minute. It is kept for ``HISTORY_KEPT``."""

    def points(self, since: datetime) -> list[MinutePoint]:
        """Of the minutes from ``since`` on, oldest first."""

    def tidy(self, now: datetime) -> int:
        """Forgets sequences older than ``SEQUENCE_KEPT`` and what is left of old reports; how many."""
