"""A region whose scheduled aggregation runs on sources of a test's making."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.clock import ManualClock
from chalicelib.monitoring.aggregation import MetricsAggregation
from chalicelib.monitoring.ports import CacheNodeFigures, ScalingFigures
from chalicelib.monitoring.registry import Registry
from chalicelib.monitoring.reports import Flush, InstanceReport
from tests.fakes.memory_metrics import MemorySharedMetrics
from tests.worlds import NOON

T = TypeVar("T")
NODES = [CacheNodeFigures(node="5f0c2a11", memory_used_bytes=1_000_000, operations_per_second=120)]


@dataclass
class Region:
    """Sources of a test's making."""

    shared: MemorySharedMetrics = field(default_factory=MemorySharedMetrics)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    lengths: Mapping[tuple[str, str], int] | None = field(default_factory=lambda: {("prediction", "rookie"): 3})
    websockets: int | None = 40
    nodes: Sequence[CacheNodeFigures] | None = field(default_factory=lambda: NODES)
    seen: ScalingFigures | None = None
    queues: Mapping[str, float] | None = field(default_factory=lambda: {"aiba_queue_messages|battles|dead": 1})
    waiting: dict[str, float] = field(default_factory=lambda: {"aiba_replication_waiting|x": 2.0})
    failed: list[str] = field(default_factory=list)
    counted: Registry = field(default_factory=Registry)
    sequence: int = 0

    def tell(self, in_flight: int = 1, instance: str = "00000000000000a1", **gauges: float) -> None:
        """Everything ``counted`` so far is the region's total."""
        self.sequence += 1
        known = self.shared.state(self.clock()).totals
        grown = {key: value - known.get(key, 0) for key, value in self.counted.values().items()}
        report = InstanceReport(instance=instance, at=self.clock(), in_flight=in_flight, gauges=gauges)
        self.shared.flush(Flush(sequence=self.sequence, increments=grown, report=report, own={}))

    def run(self) -> list[dict[str, Any]]:
        lines: list[str] = []
        aggregation = MetricsAggregation(
            self.shared,
            self.clock,
            region="eu-west-1",
            lengths=lambda: _or_raise(self.lengths),
            websockets=self._count,
            cache=self,
            failed=lambda source, _: self.failed.append(source),
            further={"queues": lambda _: _or_raise(self.queues), "outbox": lambda _: self.waiting},
            scaling=lambda _: self.seen,
        )
        done = aggregation.run(lines.append)
        assert done.published == len(lines)
        return [json.loads(line) for line in lines]

    def figures(self) -> Sequence[CacheNodeFigures]:
        return _or_raise(self.nodes)

    def _count(self, now: datetime) -> int:
        assert now == self.clock()
        return _or_raise(self.websockets)

    def gauges(self) -> dict[str, float]:
        record = self.shared.state(self.clock()).record
        assert record is not None
        return dict(record.gauges)


def _or_raise(value: T | None) -> T:
    if value is None:
        raise ConnectionError("away")
    return value
