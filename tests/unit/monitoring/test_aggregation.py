"""The scheduled aggregation: what it publishes, what it leaves out, and that twice is once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import pytest
from botocore.session import Session

from chalicelib.clock import ManualClock
from chalicelib.errors import Unavailable
from chalicelib.monitoring.aggregation import MetricsAggregation
from chalicelib.monitoring.families import CACHE_LOOKUPS, HTTP_REQUESTS, PROCESSING_LATENCY
from chalicelib.monitoring.minute import condensed, kind_of
from chalicelib.monitoring.ports import CacheNodeFigures
from chalicelib.monitoring.registry import Registry
from chalicelib.monitoring.reports import RECORD_LIFE, Flush, InstanceReport, RegionState
from tests.fakes.memory_metrics import MemorySharedMetrics
from tests.worlds import NOON

T = TypeVar("T")
RUN = "POST /api/battle/run"
NODES = [CacheNodeFigures(node="5f0c2a11", memory_used_bytes=1_000_000, operations_per_second=120)]
UNITS = set(Session().get_service_model("cloudwatch").shape_for("StandardUnit").enum)


@dataclass
class Region:
    """Sources of a test's making."""

    shared: MemorySharedMetrics = field(default_factory=MemorySharedMetrics)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    lengths: Mapping[tuple[str, str], int] | None = field(default_factory=lambda: {("prediction", "rookie"): 3})
    websockets: int | None = 40
    nodes: Sequence[CacheNodeFigures] | None = field(default_factory=lambda: NODES)
    failed: list[str] = field(default_factory=list)
    counted: Registry = field(default_factory=Registry)
    sequence: int = 0

    def tell(self, in_flight: int = 1, instance: str = "00000000000000a1") -> None:
        """Everything ``counted`` so far is the region's total."""
        self.sequence += 1
        known = self.shared.state(self.clock()).totals
        grown = {key: value - known.get(key, 0) for key, value in self.counted.values().items()}
        report = InstanceReport(instance=instance, at=self.clock(), in_flight=in_flight)
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


def metric(lines: list[dict[str, Any]], name: str, **dimensions: str) -> Any:
    (found,) = [one[name] for one in lines if name in one and dimensions.items() <= one.items()]
    return found


def assert_embedded(line: Mapping[str, Any]) -> None:
    """The rules of the embedded metric format's specification."""
    directives = line["_aws"]["CloudWatchMetrics"]
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert len(json.dumps(line)) <= 256 * 1024
    for directive in directives:
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert directive["Dimensions"]
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            for name in dimensions:
                assert 1 <= len(name) <= 250
                assert isinstance(line[name], str)
                assert 1 <= len(line[name]) <= 1024
        assert 1 <= len(directive["Metrics"]) <= 100
        for declared in directive["Metrics"]:
            assert 1 <= len(declared["Name"]) <= 1024
            assert declared["Unit"] in UNITS
            values = line[declared["Name"]]
            values = values if isinstance(values, list) else [values]
            assert 1 <= len(values) <= 100
            assert all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


@pytest.fixture
def region() -> Region:
    """One that had its first run at noon and counted since; a minute has passed."""
    region = Region()
    region.counted.count(HTTP_REQUESTS, 1_000, route=RUN, status="2xx")
    region.tell()
    region.run()
    for status, count in (("2xx", 100), ("5xx", 20)):
        region.counted.count(HTTP_REQUESTS, count, route=RUN, status=status)
    for result, count in (("hit", 6), ("miss", 1), ("degraded", 1)):
        region.counted.count(CACHE_LOOKUPS, count, cache="modes", result=result)
    for _ in range(300):
        region.counted.observe(PROCESSING_LATENCY, 0.03, operation=RUN)
    region.counted.observe(PROCESSING_LATENCY, 0.3, operation="queue battles")
    region.clock.advance(60)
    region.tell()
    return region


def test_a_minute_is_published_as_the_guide_s_metrics_and_the_hit_rate(region: Region) -> None:
    lines = region.run()
    assert metric(lines, "RequestRate") == 2.0
    assert metric(lines, "ActiveConnections") == 41
    assert metric(lines, "CacheHitRate") == 75
    assert metric(lines, "Instances") == 1
    assert metric(lines, "BattleQueueLength", arena="prediction", league="rookie") == 3
    assert metric(lines, "ProcessingLatency", operation="queue") == [0.375]
    latencies = metric(lines, "ProcessingLatency", operation="http")
    assert len(latencies) == 100
    assert 0.01 < latencies[0] < latencies[-1] <= 0.05
    assert {one["region"] for one in lines} == {"eu-west-1"}
    assert {one["_aws"]["Timestamp"] for one in lines} == {int(region.clock().timestamp() * 1000)}


def test_every_line_is_in_the_embedded_metric_format(region: Region) -> None:
    lines = region.run()
    assert len(lines) == 4
    for line in lines:
        assert_embedded(line)


def test_the_region_s_gauges_are_kept_for_the_page(region: Region) -> None:
    region.run()
    assert region.gauges() == {
        "aiba_websocket_connections": 40,
        "aiba_region_request_rate": 2.0,
        "aiba_cache_hit_ratio": 0.75,
        "aiba_cache_memory_used_bytes|5f0c2a11": 1_000_000,
        "aiba_cache_operations_per_second|5f0c2a11": 120,
    }


def test_a_run_that_fires_twice_publishes_once(region: Region) -> None:
    region.run()
    region.clock.advance(1)
    assert region.run() == []
    region.clock.advance(59)
    assert metric(region.run(), "RequestRate") == 0


def test_the_first_run_has_no_rates() -> None:
    region = Region()
    region.counted.count(HTTP_REQUESTS, 1_000, route=RUN, status="2xx")
    region.tell()
    (first, _) = region.run()
    assert first.keys() == {"_aws", "region", "ActiveConnections", "Instances"}


def test_after_a_long_silence_there_are_no_rates_of_it(region: Region) -> None:
    region.clock.advance(RECORD_LIFE.total_seconds())
    assert "RequestRate" not in region.run()[0]
    region.clock.advance(60)
    assert region.run()[0]["RequestRate"] == 0


def test_totals_that_began_anew_count_from_nothing(region: Region) -> None:
    region.shared = MemorySharedMetrics()
    older = Region(shared=region.shared, clock=region.clock)
    older.counted.count(HTTP_REQUESTS, 500, route=RUN, status="2xx")
    older.tell()
    older.run()
    region.clock.advance(60)
    fresh = MemorySharedMetrics()
    record = region.shared.state(region.clock()).record
    assert record is not None
    fresh.record(record)
    newer = Region(shared=fresh, clock=region.clock)
    newer.counted.count(HTTP_REQUESTS, 30, route=RUN, status="2xx")
    newer.tell()
    assert metric(newer.run(), "RequestRate") == 0.5


@pytest.mark.parametrize(
    ("away", "source", "missing"),
    [
        ("websockets", "connections", "ActiveConnections"),
        ("lengths", "battle queue", "BattleQueueLength"),
        ("nodes", "cache", "aiba_cache_memory_used_bytes"),
    ],
)
def test_a_source_that_is_away_is_missing_and_the_others_are_not(
    region: Region, away: str, source: str, missing: str
) -> None:
    setattr(region, away, None)
    lines = region.run()
    assert region.failed == [source]
    assert not any(missing in line for line in lines)
    assert not any(missing in gauge for gauge in region.gauges())
    assert metric(lines, "RequestRate") == 2.0


class Away(MemorySharedMetrics):
    def state(self, now: datetime) -> RegionState:
        raise Unavailable("cache_unavailable", f"away at {now}")


def test_without_the_shared_state_the_queue_s_length_is_published_all_the_same() -> None:
    region = Region(shared=Away())
    assert metric(region.run(), "BattleQueueLength") == 3
    assert region.failed == ["shared metrics"]


def test_without_lookups_there_is_no_hit_rate() -> None:
    region = Region()
    region.run()
    region.clock.advance(60)
    assert "CacheHitRate" not in region.run()[0]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("GET /metrics", "http"),
        ("queue battles", "queue"),
        ("schedule seasons", "schedule"),
        ("websocket connect", "websocket"),
    ],
)
def test_operations_are_published_by_kind(operation: str, kind: str) -> None:
    assert kind_of(operation) == kind


def test_what_is_remembered_of_the_totals_is_short() -> None:
    registry = Registry()
    for number in range(100):
        registry.count(HTTP_REQUESTS, route=f"GET /{number}", status="2xx")
        registry.observe(PROCESSING_LATENCY, 0.03, operation=f"GET /{number}")
    assert condensed(registry.values()) == {
        HTTP_REQUESTS: 100,
        f"{PROCESSING_LATENCY}|http|le 0.05": 100,
        f"{PROCESSING_LATENCY}|http|sum us": 3_000_000,
    }
