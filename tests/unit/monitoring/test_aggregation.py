"""The scheduled aggregation: what it publishes, what it leaves out, and that twice is once."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.session import Session

from chalicelib.errors import Unavailable
from chalicelib.monitoring.families import (
    BATTLES,
    CACHE_BREAKER,
    CACHE_LOOKUPS,
    DATABASE_COMMANDS,
    HTTP_REQUESTS,
    PROCESSING_LATENCY,
    REPLICATION_DIFFERENCES,
    REPLICATION_OLDEST,
    REPLICATION_SET_ASIDE,
    REPLICATION_WAITING,
)
from chalicelib.monitoring.history import MinutePoint
from chalicelib.monitoring.minute import condensed, kind_of
from chalicelib.monitoring.ports import ScalingFigures
from chalicelib.monitoring.registry import Registry
from chalicelib.monitoring.reports import RECORD_LIFE, RegionState
from tests.fakes.memory_metrics import MemorySharedMetrics
from tests.region_minutes import Region
from tests.worlds import NOON

RUN = "POST /api/battle/run"
UNITS = set(Session().get_service_model("cloudwatch").shape_for("StandardUnit").enum)


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


def whole(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The line of what the region has once."""
    (found,) = [one for one in lines if one["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["region"]]]
    return found


def test_what_alarms_watch_is_one_series_of_the_region() -> None:
    region = Region(lengths={("prediction", "rookie"): 3, ("guild", "elite"): 4}, waiting={})
    region.tell(instance="00000000000000a1", **{CACHE_BREAKER: 1})
    region.tell(instance="00000000000000a2", **{CACHE_BREAKER: 2})
    for family, values in {
        REPLICATION_WAITING: (5, 7),
        REPLICATION_OLDEST: (90.5, 30.0),
        REPLICATION_SET_ASIDE: (0, 1),
    }.items():
        region.waiting |= {f"{family}|us-east-1": values[0], f"{family}|ap-southeast-1": values[1]}
    line = whole(region.run())
    names = ("ReplicationWaiting", "ReplicationOldestWaiting", "ReplicationSetAside")
    assert [line[name] for name in names] == [12, 90.5, 1]
    assert (line["BattleQueueLength"], line["CacheUp"], line["CacheBreakersOpen"]) == (7, 1, 3)


def test_where_nothing_is_replicated_nothing_is_said_to_wait(region: Region) -> None:
    region.waiting = {}
    line = whole(region.run())
    assert not line.keys() & {"ReplicationWaiting", "ReplicationOldestWaiting", "ReplicationSetAside"}


def test_errors_are_shares_of_the_minute(region: Region) -> None:
    line = whole(region.run())
    assert (line["ErrorRate"], line["ReplicationDifferences"]) == (pytest.approx(100 * 20 / 120), 0)
    assert "DatabaseErrorRate" not in line
    region.counted.count(DATABASE_COMMANDS, 97, command="find", outcome="ok")
    region.counted.count(DATABASE_COMMANDS, 3, command="update", outcome="error")
    region.counted.count(REPLICATION_DIFFERENCES, 2)
    region.clock.advance(60)
    region.tell()
    line = whole(region.run())
    assert (line["DatabaseErrorRate"], line["ReplicationDifferences"]) == (pytest.approx(3), 2)
    assert "ErrorRate" not in line


def test_a_cache_that_is_down_is_said_to_be(region: Region) -> None:
    region.nodes = None
    assert whole(region.run())["CacheUp"] == 0


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
        "aiba_queue_messages|battles|dead": 1,
        "aiba_replication_waiting|x": 2,
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
    rates = {"RequestRate", "CacheHitRate", "ProcessingLatency"}
    assert {"ActiveConnections", "Instances", "CacheUp"} <= first.keys()
    assert not rates & first.keys()


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
        ("queues", "queues", "aiba_queue_messages"),
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
    assert metric(region.run(), "BattleQueueLength", league="rookie") == 3
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
        "form": 3,
        f"{HTTP_REQUESTS}|2xx": 100,
        f"{PROCESSING_LATENCY}|http|le 0.05": 100,
        f"{PROCESSING_LATENCY}|http|sum us": 3_000_000,
    }


def test_a_point_of_each_minute_is_kept(region: Region) -> None:
    region.counted.count(BATTLES, 30, arena="prediction", league="rookie")
    region.counted.count(HTTP_REQUESTS, 6, route=RUN, status="4xx")
    region.tell()
    region.seen = ScalingFigures(requested=5, ready=4, in_use=3.5, spilled_per_second=0.25)
    region.run()
    first, second = region.shared.points(NOON)
    assert first == MinutePoint(at=NOON, queued_battles=3, instances=1)
    assert (first.requests_per_second, first.latency_p99_seconds) == (None, None)
    assert second == MinutePoint(
        at=NOON + timedelta(minutes=1),
        requests_per_second=2.1,
        client_errors_per_second=0.1,
        server_errors_per_second=20 / 60,
        latency_p50_seconds=0.03,
        latency_p95_seconds=0.01 + 0.95 * 0.04,
        latency_p99_seconds=0.01 + 0.99 * 0.04,
        battles_per_second={("prediction", "rookie"): 0.5},
        queued_battles=3,
        instances=1,
        provisioned=5,
        ready=4,
        in_use=3.5,
        spilled_per_second=0.25,
        cache_hit_ratio=0.75,
    )


def test_what_scaling_saw_is_a_gauge_and_what_it_did_not_know_is_none(region: Region) -> None:
    region.seen = ScalingFigures(requested=5, ready=4, in_use=None, spilled_per_second=0.0)
    region.run()
    scaling = {name: value for name, value in region.gauges().items() if name.startswith("aiba_scaling")}
    assert scaling == {
        "aiba_scaling_environments|requested": 5,
        "aiba_scaling_environments|ready": 4,
        "aiba_scaling_spillover_per_second": 0.0,
    }


def test_a_minute_s_growth_is_kept_for_operators(region: Region) -> None:
    region.run()
    record = region.shared.state(region.clock()).record
    assert record is not None
    assert (record.seconds, record.grown[f"{HTTP_REQUESTS}|5xx"]) == (60, 20)


def test_what_another_release_remembered_of_the_totals_is_not_compared_with(region: Region) -> None:
    record = region.shared.state(region.clock()).record
    assert record is not None
    region.shared.record(replace(record, baseline={HTTP_REQUESTS: 1_000}))
    assert "RequestRate" not in region.run()[0]
    region.clock.advance(60)
    assert region.run()[0]["RequestRate"] == 0


def test_a_history_that_can_not_be_kept_keeps_nothing_else_from_being(region: Region) -> None:
    class Forgetful(MemorySharedMetrics):
        def keep(self, point: MinutePoint) -> None:
            raise ConnectionError(f"away at {point.at}")

    forgetful = Forgetful()
    vars(forgetful).update(vars(region.shared))
    region.shared = forgetful
    assert metric(region.run(), "RequestRate") == 2.0
    assert region.failed == ["history"]
    assert region.gauges()["aiba_region_request_rate"] == 2.0
