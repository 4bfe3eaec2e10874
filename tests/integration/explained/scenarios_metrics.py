"""The region's shared metrics."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chalicelib.arena.ports import Document
from chalicelib.data.shared_metrics import STRIPES, MongoSharedMetrics
from chalicelib.monitoring.history import MinutePoint, point_data
from chalicelib.monitoring.reports import SEQUENCE_KEPT, Flush, InstanceReport, RegionRecord
from tests.integration.explained.registry import covers
from tests.integration.explained.town import FAR, Town, inhabits
from tests.worlds import NOON

OLD = NOON - SEQUENCE_KEPT
STORED = 1500


@inhabits("metrics", STORED)
def _stored(number: int) -> Document:
    if number < STRIPES:
        return {"_id": f"totals:{number}", "totals": {"a": 1}, "added": {f"{number:016x}": {"sequence": 1, "at": OLD}}}
    report = {"instance": f"{number:016x}", "gauges": {}}
    return {"_id": f"report:{number:016x}", "at": NOON, "expiresAt": FAR, "report": report, "own": {}}


@inhabits("metricminutes", STORED)
def _minute(number: int) -> Document:
    at = NOON - timedelta(minutes=number)
    return {"_id": at, "point": point_data(MinutePoint(at=at)), "expiresAt": FAR}


@covers(MongoSharedMetrics.keep)
def _(town: Town, keep: Callable[..., Any]) -> None:
    for at in (NOON - timedelta(minutes=700), NOON + timedelta(minutes=1)):
        keep(MinutePoint(at=at))


@covers(MongoSharedMetrics.points)
def _(town: Town, points: Callable[..., Any]) -> None:
    assert len(points(NOON - timedelta(minutes=180))) >= 181


@covers(MongoSharedMetrics.flush)
def _(town: Town, flush: Callable[..., Any]) -> None:
    for name in (f"{100:016x}", f"{9999:016x}"):
        flush(Flush(sequence=2, increments={"a": 1}, report=InstanceReport(instance=name, at=NOON), own={}))


@covers(MongoSharedMetrics.live)
def _(town: Town, live: Callable[..., Any]) -> None:
    assert len(live(NOON)) >= STORED - STRIPES


@covers(MongoSharedMetrics.state)
def _(town: Town, state: Callable[..., Any]) -> None:
    assert state(NOON).totals


@covers(MongoSharedMetrics.record)
def _(town: Town, record: Callable[..., Any]) -> None:
    record(RegionRecord(at=NOON, gauges={}, baseline={}))


@covers(MongoSharedMetrics.tidy)
def _(town: Town, tidy: Callable[..., Any]) -> None:
    assert tidy(NOON) == STRIPES
