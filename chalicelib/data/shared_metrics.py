"""The region's shared metrics in MongoDB, where there is no Redis: one round trip for a flush.

Totals lie in a few documents (stripes), so that environments that tell at the same moment seldom meet. Each has the
number of the last batch of every environment beside the sums, and a batch is added only while its number is higher:
the condition and the sums change together, so a batch that is sent twice counts once.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.data.operations import Find, FindOne, Operations, Update, shared_budget
from chalicelib.monitoring.history import HISTORY_KEPT, MinutePoint, point_data, read_point
from chalicelib.monitoring.registry import Values
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

COLLECTION: Final = "metrics"
HISTORY: Final = "metricminutes"
STRIPES: Final = 8
FLUSH_BUDGET_SECONDS: Final = 0.25
"""A player waits for it."""
_RECORD: Final = {"_id": "record"}
_ESCAPES: Final = (("%", "%25"), (".", "%2E"), ("$", "%24"))
"""A field's name must not hold a dot nor begin with a dollar."""


class MongoSharedMetrics:
    """``reports.SharedMetrics``."""

    def __init__(self, operations: Operations, *, flush_seconds: float = FLUSH_BUDGET_SECONDS) -> None:
        self._operations = operations
        self._flush_seconds = flush_seconds

    def flush(self, flush: Flush) -> None:
        with shared_budget(self._flush_seconds):
            self._operations.execute(Update([*_addition(flush), _report(flush)]))

    def live(self, now: datetime) -> list[InstanceReport]:
        return _reports(self._operations.execute(_living(now)))

    def state(self, now: datetime) -> RegionState:
        living = self._operations.execute(_living(now))
        record = self._operations.execute(FindOne(COLLECTION, _RECORD))
        return RegionState(
            totals=self._totals(),
            reports=_reports(living),
            own={found["report"]["instance"]: _plain(found["own"]) for found in living},
            record=None if record is None else _record(record),
        )

    def record(self, record: RegionRecord) -> None:
        series = {"gauges": record.gauges, "baseline": record.baseline, "grown": record.grown}
        told = {name: _escaped(values) for name, values in series.items()}
        fields = {"at": record.at, "seconds": record.seconds, **told}
        self._operations.execute(Update([Change(COLLECTION, _RECORD, {"$set": fields}, upsert=True)]))

    def keep(self, point: MinutePoint) -> None:
        fields = {"point": point_data(point), "expiresAt": point.at + HISTORY_KEPT}
        self._operations.execute(Update([Change(HISTORY, {"_id": point.at}, {"$set": fields}, upsert=True)]))

    def points(self, since: datetime) -> list[MinutePoint]:
        found = self._operations.execute(Find(HISTORY, {"_id": {"$gte": since}}, sort=[("_id", 1)]))
        return [read_point(one["point"], one["_id"]) for one in found]

    def tidy(self, now: datetime) -> int:
        """Reports end by their index; a batch number goes unless its environment has told something meanwhile."""
        old = [
            (stripe["_id"], instance, added["at"])
            for stripe in self._stripes()
            for instance, added in stripe.get("added", {}).items()
            if now - added["at"] >= SEQUENCE_KEPT
        ]
        changes = [
            Change(COLLECTION, {"_id": stripe, f"added.{instance}.at": at}, {"$unset": {f"added.{instance}": ""}})
            for stripe, instance, at in old
        ]
        return self._operations.execute(Update(changes)) if changes else 0

    def _stripes(self) -> list[Document]:
        return self._operations.execute(
            Find(COLLECTION, {"_id": {"$in": [_stripe(number) for number in range(STRIPES)]}})
        )

    def _totals(self) -> Values:
        totals: dict[str, int] = {}
        for stripe in self._stripes():
            for series, value in _plain(stripe.get("totals", {})).items():
                totals[series] = totals.get(series, 0) + value
        return totals


def _stripe(number: int) -> str:
    return f"totals:{number}"


def _stripe_of(instance: str) -> str:
    # Instances are random hexadecimal text: their last digits spread evenly, in every process alike.
    return _stripe(int(instance[-4:], 16) % STRIPES)


def _addition(flush: Flush) -> Iterator[Change]:
    instance = flush.report.instance
    stripe, added = {"_id": _stripe_of(instance)}, f"added.{instance}"
    yield Change(COLLECTION, stripe, {"$setOnInsert": {"totals": {}}}, upsert=True)
    unknown = {**stripe, f"{added}.sequence": {"$not": {"$gte": flush.sequence}}}
    change: dict[str, Any] = {"$set": {added: {"sequence": flush.sequence, "at": flush.report.at}}}
    if flush.increments:
        change["$inc"] = {f"totals.{name}": value for name, value in _escaped(flush.increments).items()}
    yield Change(COLLECTION, unknown, change)


def _report(flush: Flush) -> Change:
    report = flush.report
    fields = {"at": report.at, "expiresAt": report.at + REPORT_LIFE, "own": _escaped(flush.own)}
    told = {**to_fields(report), "gauges": _escaped(report.gauges)}
    return Change(COLLECTION, {"_id": f"report:{report.instance}"}, {"$set": {**fields, "report": told}}, upsert=True)


def _reports(living: Sequence[Document]) -> list[InstanceReport]:
    told = [({**found["report"], "gauges": _plain(found["report"]["gauges"])}, found["at"]) for found in living]
    return sorted((from_fields(fields, at) for fields, at in told), key=lambda report: report.instance)


def _record(found: Document) -> RegionRecord:
    return RegionRecord(
        at=found["at"],
        gauges=_plain(found["gauges"]),
        baseline=_plain(found["baseline"]),
        grown=_plain(found.get("grown", {})),
        seconds=found.get("seconds"),
    )


def _living(now: datetime) -> Find:
    # The index that takes expired ones away finds the living, too.
    return Find(COLLECTION, {"expiresAt": {"$gt": now}}, sort=[("expiresAt", 1)])


def _escaped(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_replaced(name, _ESCAPES): value for name, value in values.items()}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    undo = tuple((escaped, plain) for plain, escaped in reversed(_ESCAPES))
    return {_replaced(name, undo): value for name, value in values.items()}


def _replaced(name: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for before, after in pairs:
        name = name.replace(before, after)
    return name
