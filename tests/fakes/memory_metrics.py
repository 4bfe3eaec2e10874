"""The region's shared metrics in memory."""

import threading
from datetime import datetime

from chalicelib.monitoring.history import HISTORY_KEPT, MinutePoint
from chalicelib.monitoring.registry import Values
from chalicelib.monitoring.reports import (
    SEQUENCE_KEPT,
    Flush,
    InstanceReport,
    RegionRecord,
    RegionState,
)


class MemorySharedMetrics:
    """``reports.SharedMetrics`` for tests; runs under the same contract tests as the real ones.

    While ``down`` every call fails; a flush fails after it took effect while ``deaf``.
    """

    def __init__(self) -> None:
        self.down = False
        self.deaf = False
        self.flushes = 0
        self._totals: dict[str, int] = {}
        self._added: dict[str, tuple[int, datetime]] = {}
        self._reports: dict[str, tuple[InstanceReport, Values]] = {}
        self._record: RegionRecord | None = None
        self._points: dict[datetime, MinutePoint] = {}
        self._lock = threading.Lock()

    def flush(self, flush: Flush) -> None:
        self._require_up()
        with self._lock:
            self.flushes += 1
            instance = flush.report.instance
            if flush.sequence > self._added.get(instance, (0, flush.report.at))[0]:
                for series, increment in flush.increments.items():
                    self._totals[series] = self._totals.get(series, 0) + increment
                self._added[instance] = (flush.sequence, flush.report.at)
            self._reports[instance] = (flush.report, dict(flush.own))
        if self.deaf:
            raise ConnectionError("the answer was lost")

    def live(self, now: datetime) -> list[InstanceReport]:
        self._require_up()
        with self._lock:
            return [report for _, (report, _) in sorted(self._reports.items()) if report.is_live(now)]

    def state(self, now: datetime) -> RegionState:
        reports = self.live(now)
        with self._lock:
            own = {report.instance: self._reports[report.instance][1] for report in reports}
            return RegionState(totals=dict(self._totals), reports=reports, own=own, record=self._record)

    def record(self, record: RegionRecord) -> None:
        self._require_up()
        self._record = record

    def keep(self, point: MinutePoint) -> None:
        self._require_up()
        with self._lock:
            self._points[point.at] = point
            for at in [at for at in self._points if at <= point.at - HISTORY_KEPT]:
                del self._points[at]

    def points(self, since: datetime) -> list[MinutePoint]:
        self._require_up()
        with self._lock:
            return [point for at, point in sorted(self._points.items()) if at >= since]

    def tidy(self, now: datetime) -> int:
        self._require_up()
        with self._lock:
            forgotten = [one for one, (_, at) in self._added.items() if now - at >= SEQUENCE_KEPT]
            silent = [one for one, (report, _) in self._reports.items() if not report.is_live(now)]
            for one in forgotten:
                del self._added[one]
            for one in silent:
                del self._reports[one]
        return len({*forgotten, *silent})

    def _require_up(self) -> None:
        if self.down:
            raise ConnectionError("the store is away")
