"""The region's shared metrics in Redis: all keys in one slot, so that a flush is one script and one round trip."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from chalicelib.cache.door import RedisDoor, load_script
from chalicelib.cache.keys import (
    METRIC_HISTORY,
    METRIC_OWN,
    METRIC_RECORD,
    METRIC_REPORTS,
    METRIC_SEEN,
    METRIC_SEQUENCE,
    METRIC_TOTALS,
)
from chalicelib.monitoring.history import HISTORY_KEPT, MinutePoint, point_data, read_point
from chalicelib.monitoring.reports import (
    REPORT_LIFE,
    SEQUENCE_KEPT,
    Flush,
    InstanceReport,
    RegionRecord,
    RegionState,
    from_fields,
    to_fields,
)

FLUSH: Final = load_script("metrics_flush")
_SEQUENCE_SECONDS: Final = int(SEQUENCE_KEPT.total_seconds())


class RedisSharedMetrics:
    """``reports.SharedMetrics``. ``quick`` is for what rides on a request, ``patient`` for whoever reads."""

    def __init__(self, quick: RedisDoor, patient: RedisDoor, database: str) -> None:
        self._quick = quick
        self._patient = patient
        self._database = database
        self._totals = METRIC_TOTALS.key(database)
        self._reports = METRIC_REPORTS.key(database)
        self._own = METRIC_OWN.key(database)
        self._seen = METRIC_SEEN.key(database)
        self._record = METRIC_RECORD.key(database)
        self._history = METRIC_HISTORY.key(database)

    def flush(self, flush: Flush) -> None:
        report = flush.report
        sequence = METRIC_SEQUENCE.key(self._database, instance=report.instance)
        increments = [part for pair in flush.increments.items() for part in pair]
        self._quick.script(
            FLUSH,
            [self._totals, sequence, self._reports, self._own, self._seen],
            [
                flush.sequence,
                _SEQUENCE_SECONDS,
                report.instance,
                _milliseconds(report.at),
                _milliseconds(report.at - REPORT_LIFE),
                _json({"at": _milliseconds(report.at), **to_fields(report)}),
                _json(flush.own),
                *increments,
            ],
        )

    def live(self, now: datetime) -> list[InstanceReport]:
        return _living(self._patient.execute("HGETALL", self._reports), now)

    def state(self, now: datetime) -> RegionState:
        totals, reports, own, record = self._patient.execute_all(
            [("HGETALL", self._totals), ("HGETALL", self._reports), ("HGETALL", self._own), ("GET", self._record)],
            atomic=True,
        )
        living = _living(reports, now)
        return RegionState(
            totals={series: int(value) for series, value in totals.items()},
            reports=living,
            own={report.instance: json.loads(own.get(report.instance, "{}")) for report in living},
            record=None if record is None else _record(record),
        )

    def record(self, record: RegionRecord) -> None:
        known = {"gauges": record.gauges, "baseline": record.baseline, "grown": record.grown, "seconds": record.seconds}
        self._patient.execute("SET", self._record, _json({"at": _milliseconds(record.at), **known}))

    def keep(self, point: MinutePoint) -> None:
        at = _milliseconds(point.at)
        self._patient.execute_all(
            [
                ("ZREMRANGEBYSCORE", self._history, at, at),
                ("ZADD", self._history, at, _json({"at": at, **point_data(point)})),
                ("ZREMRANGEBYSCORE", self._history, "-inf", _milliseconds(point.at - HISTORY_KEPT)),
                ("EXPIRE", self._history, int(HISTORY_KEPT.total_seconds())),
            ],
            atomic=True,
        )

    def points(self, since: datetime) -> list[MinutePoint]:
        texts = self._patient.execute("ZRANGEBYSCORE", self._history, _milliseconds(since), "+inf")
        return [read_point(fields, _moment(fields["at"])) for fields in map(json.loads, texts)]

    def tidy(self, now: datetime) -> int:
        """Sequences end by themselves; every flush takes a few old reports away, this all of them."""
        until = _milliseconds(now - REPORT_LIFE)
        old = self._patient.execute("ZRANGEBYSCORE", self._seen, "-inf", until)
        if old:
            self._patient.execute_all(
                [("HDEL", self._reports, *old), ("HDEL", self._own, *old), ("ZREM", self._seen, *old)], atomic=True
            )
        return len(old)


def _living(reports: Mapping[str, str], now: datetime) -> list[InstanceReport]:
    found = []
    for _, text in sorted(reports.items()):
        fields = json.loads(text)
        report = from_fields(fields, _moment(fields["at"]))
        if report.is_live(now):
            found.append(report)
    return found


def _record(text: str) -> RegionRecord:
    fields = json.loads(text)
    return RegionRecord(
        at=_moment(fields["at"]),
        gauges=fields["gauges"],
        baseline=fields["baseline"],
        grown=fields.get("grown", {}),
        seconds=fields.get("seconds"),
    )


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
