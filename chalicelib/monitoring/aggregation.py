"""Each minute: what no single environment knows of its region is asked, and its growth since the minute before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from chalicelib.clock import Clock
from chalicelib.monitoring.battle_queue import Lengths
from chalicelib.monitoring.embedded import minute_lines
from chalicelib.monitoring.minute import Minute, condensed, hit_ratio, latencies, request_rate
from chalicelib.monitoring.outgoing import growth
from chalicelib.monitoring.ports import CacheNodes
from chalicelib.monitoring.registry import Values
from chalicelib.monitoring.reports import RegionRecord, RegionState, SharedMetrics

AGAIN_SECONDS_MIN: Final = 30.0
"""A schedule may fire twice: a run sooner after the last one than that publishes nothing."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregated:
    """What a run did."""

    published: int
    """Lines."""
    instances: int
    tidied: int
    """Leftovers of environments that are gone."""


class MetricsAggregation:
    """Runs once a minute. ``failed`` is told which source did not answer, and why; the others count all the same.

    ``outbox`` gives gauges by series key.
    """

    def __init__(
        self,
        shared: SharedMetrics,
        clock: Clock,
        *,
        region: str,
        lengths: Callable[[], Lengths],
        websockets: Callable[[datetime], int],
        cache: CacheNodes | None,
        failed: Callable[[str, Exception], None],
        outbox: Callable[[datetime], Mapping[str, float]] | None = None,
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._region = region
        self._lengths = lengths
        self._websockets = websockets
        self._cache = cache
        self._failed = failed
        self._outbox = outbox

    def run(self, publish: Callable[[str], None]) -> Aggregated:
        """Gives ``publish`` lines of CloudWatch's embedded metric format.

        What is published is remembered last: a run that dies before is made up for by the next. While the shared state
        is away, what other sources know is published, and nothing is remembered.
        """
        now = self._clock()
        state = self._asked("shared metrics", lambda: self._shared.state(now))
        if state is None:
            lines = list(minute_lines(self._minute(now, None, {}), region=self._region))
            for line in lines:
                publish(line)
            return Aggregated(published=len(lines), instances=0, tidied=0)
        seconds = None if state.record is None else (now - state.record.at).total_seconds()
        if seconds is not None and 0 <= seconds < AGAIN_SECONDS_MIN:
            return Aggregated(published=0, instances=len(state.reports), tidied=0)
        baseline = condensed(state.totals)
        minute = self._minute(now, state, baseline)
        lines = list(minute_lines(minute, region=self._region))
        for line in lines:
            publish(line)
        self._shared.record(RegionRecord(at=now, gauges=minute.gauges(), baseline=baseline))
        return Aggregated(published=len(lines), instances=len(state.reports), tidied=self._shared.tidy(now))

    def _minute(self, now: datetime, state: RegionState | None, baseline: Values) -> Minute:
        former = None if state is None else state.record
        comparable = former is not None and former.at < now and former.is_live(now)
        grown = growth(former.baseline, baseline) if former is not None and comparable else {}
        seconds = (now - former.at).total_seconds() if former is not None and comparable else None
        cache, outbox = self._cache, self._outbox
        return Minute(
            at=now,
            instances=None if state is None else len(state.reports),
            in_flight=None if state is None else sum(report.in_flight for report in state.reports),
            websockets=self._asked("connections", lambda: self._websockets(now)),
            lengths=self._asked("battle queue", self._lengths),
            request_rate=request_rate(grown, seconds),
            hit_ratio=hit_ratio(grown),
            latencies=latencies(grown),
            nodes=(self._asked("cache", cache.figures) if cache is not None else None) or (),
            further=(self._asked("outbox", lambda: outbox(now)) if outbox is not None else None) or {},
        )

    def _asked(self, source: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - whatever one source fails with, the others are published
            self._failed(source, error)
            return None
