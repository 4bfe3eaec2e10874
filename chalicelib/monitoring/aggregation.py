"""Each minute: what no single environment knows of its region is asked, and its growth since the minute before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

from chalicelib.clock import Clock
from chalicelib.monitoring.battle_queue import Lengths
from chalicelib.monitoring.embedded import minute_lines
from chalicelib.monitoring.families import REPLICATION_DIFFERENCES
from chalicelib.monitoring.minute import (
    Minute,
    battle_rates,
    breakers_open,
    comparable,
    condensed,
    database_error_share,
    hit_ratio,
    latencies,
    point,
    request_rate,
)
from chalicelib.monitoring.outgoing import growth
from chalicelib.monitoring.ports import CacheNodes, ScalingFigures
from chalicelib.monitoring.registry import Values
from chalicelib.monitoring.reports import RegionRecord, RegionState, SharedMetrics

AGAIN_SECONDS_MIN: Final = 30.0
"""A schedule may fire twice: a run sooner after the last one than that publishes nothing."""
T = TypeVar("T")
GaugeSource = Callable[[datetime], Mapping[str, float]]
Grown = tuple[Values, float | None]
"""What was added since the run before, and how many seconds ago that was; nothing and None without one."""


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

    ``further`` sources, by name, give gauges by series key; ``scaling`` gives what its last evaluation saw, if that was
    lately.
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
        further: Mapping[str, GaugeSource] = MappingProxyType({}),
        scaling: Callable[[datetime], ScalingFigures | None] | None = None,
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._region = region
        self._lengths = lengths
        self._websockets = websockets
        self._cache = cache
        self._failed = failed
        self._further = further
        self._scaling = scaling

    def run(self, publish: Callable[[str], None]) -> Aggregated:
        """Gives ``publish`` lines of CloudWatch's embedded metric format.

        What is published is remembered last: a run that dies before is made up for by the next. While the shared state
        is away, what other sources know is published, and nothing is remembered.
        """
        now = self._clock()
        state = self._asked("shared metrics", lambda: self._shared.state(now))
        if state is None:
            lines = list(minute_lines(self._minute(now, None, ({}, None)), region=self._region))
            for line in lines:
                publish(line)
            return Aggregated(published=len(lines), instances=0, tidied=0)
        seconds = None if state.record is None else (now - state.record.at).total_seconds()
        if seconds is not None and 0 <= seconds < AGAIN_SECONDS_MIN:
            return Aggregated(published=0, instances=len(state.reports), tidied=0)
        baseline = condensed(state.totals)
        grown, seconds = _growth(state.record, baseline, now)
        minute = self._minute(now, state, (grown, seconds))
        lines = list(minute_lines(minute, region=self._region))
        for line in lines:
            publish(line)
        self._asked("history", lambda: self._shared.keep(point(minute)))
        record = RegionRecord(at=now, gauges=minute.gauges(), baseline=baseline, grown=grown, seconds=seconds)
        self._shared.record(record)
        return Aggregated(published=len(lines), instances=len(state.reports), tidied=self._shared.tidy(now))

    def _minute(self, now: datetime, state: RegionState | None, since: Grown) -> Minute:
        grown, seconds = since
        cache, scaling = self._cache, self._scaling
        nodes = self._asked("cache", cache.figures) if cache is not None else None
        return Minute(
            at=now,
            instances=None if state is None else len(state.reports),
            in_flight=None if state is None else sum(report.in_flight for report in state.reports),
            websockets=self._asked("connections", lambda: self._websockets(now)),
            lengths=self._asked("battle queue", self._lengths),
            request_rate=request_rate(grown, seconds),
            hit_ratio=hit_ratio(grown),
            latencies=latencies(grown),
            nodes=nodes or (),
            cache_up=None if cache is None else bool(nodes),
            breakers_open=None if state is None else breakers_open(state.reports),
            further=self._gauges(now),
            scaling=self._asked("scaling", lambda: scaling(now)) if scaling is not None else None,
            client_error_rate=request_rate(grown, seconds, ("4xx",)),
            server_error_rate=request_rate(grown, seconds, ("5xx",)),
            battle_rates=battle_rates(grown, seconds),
            database_error_share=database_error_share(grown),
            differences=None if seconds is None else grown.get(REPLICATION_DIFFERENCES, 0),
        )

    def _gauges(self, now: datetime) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, source in self._further.items():
            found |= self._asked(name, partial(source, now)) or {}
        return found

    def _asked(self, source: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - whatever one source fails with, the others are published
            self._failed(source, error)
            return None


def _growth(former: RegionRecord | None, baseline: Values, now: datetime) -> Grown:
    if former is None or not former.at < now or not former.is_live(now) or not comparable(former.baseline, baseline):
        return {}, None
    return growth(former.baseline, baseline), (now - former.at).total_seconds()
