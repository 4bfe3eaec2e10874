"""Environments in the operators' guide's shape: each alone, all together, and why something is missing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.monitoring.families import CACHE_MEMORY, DATABASE_POOL
from chalicelib.monitoring.figures import Counted, Figures, counted, figures_data, read_figures
from chalicelib.monitoring.instances import FIRST_REPORT, GROUPS, WHY, WINDOWED, instances_view
from chalicelib.monitoring.registry import Registry, series_key
from chalicelib.monitoring.reports import REPORT_SECONDS, InstanceReport, RegionRecord, RegionState
from tests.worlds import NOON

MEGABYTE = 1024 * 1024
FULL = InstanceReport(
    instance="00000000000000a1",
    at=NOON,
    function="aiba-arena-prod",
    function_version="7",
    initialization="provisioned-concurrency",
    window_seconds=10.0,
    cpu_share=0.5,
    memory_share=0.25,
    request_rate=4.0,
    busy_share=0.5,
    gauges={series_key(DATABASE_POOL, (pool, "open")): 1 for pool in ("primary", "secondary")},
    figures=Figures(
        load_average=0.75,
        vcpus=1.0,
        resident_bytes=100 * MEGABYTE,
        memory_bytes=1769 * MEGABYTE,
        system_used_bytes=300 * MEGABYTE,
        system_total_bytes=1800 * MEGABYTE,
        sockets=5,
        network_bytes=20_000,
        network_packets=40,
        players=3,
        work=40,
        work_microseconds=4_000_000,
        requests=40,
        server_errors=2,
        commands=100,
        command_errors=1,
        command_microseconds=500_000,
        lookups=20,
        hits=15,
        cache_commands=60,
    ),
)
SHOWN: dict[str, dict[str, float | None]] = {
    "cpu": {"usage": 0.5, "loadAverage": 0.75, "cores": 1.0},
    "memory": {
        "used": 100 * MEGABYTE,
        "total": 1769 * MEGABYTE,
        "external": None,
        "systemUsed": 300 * MEGABYTE,
        "systemTotal": 1800 * MEGABYTE,
    },
    "network": {"bytesTransferred": 20_000, "packetsTransferred": 40, "connections": 5},
    "database": {"connections": 2, "queriesPerSecond": 10.0, "avgResponseTime": 0.005, "errors": 1},
    "cache": {"hitRate": 0.75, "memoryUsage": None, "operationsPerSecond": 6.0},
    "application": {"activeUsers": 3, "requestsPerSecond": 4.0, "avgResponseTime": 0.1, "errorRate": 0.05},
}
EMPTY = InstanceReport(instance="00000000000000b2", at=NOON)


def state(*reports: InstanceReport, record: RegionRecord | None = None) -> RegionState:
    return RegionState(totals={}, reports=reports, own={}, record=record)


def test_an_environment_is_told_in_the_guide_s_shape() -> None:
    view = instances_view(state(FULL), region="eu-west-1", now=NOON)
    assert (view["region"], view["at"], view["staleAfterSeconds"]) == ("eu-west-1", NOON, REPORT_SECONDS)
    assert view["instances"] == [
        {
            "instanceId": "00000000000000a1",
            "region": "eu-west-1",
            "timestamp": NOON,
            "function": "aiba-arena-prod",
            "functionVersion": "7",
            "initialization": "provisioned-concurrency",
            "windowSeconds": 10.0,
            **SHOWN,
        }
    ]
    # Whatever the platform is: no environment knows these two.
    assert set(view["unavailable"]) == {"memory.external", "cache.memoryUsage"}


def test_together_counts_are_summed_before_rates_and_means_are_made() -> None:
    other = replace(
        FULL,
        instance="00000000000000b2",
        initialization="on-demand",
        window_seconds=5.0,
        cpu_share=0.1,
        request_rate=1.0,
        gauges={},
        figures=replace(FULL.figures, commands=300, command_microseconds=300_000, lookups=0, hits=0, requests=10),
    )
    record = RegionRecord(at=NOON, gauges={f"{CACHE_MEMORY}|a": 1000, f"{CACHE_MEMORY}|b": 500}, baseline={})
    found = instances_view(state(FULL, other, record=record), region="eu-west-1", now=NOON)["aggregate"]
    assert (found["instances"], found["provisioned"], found["onDemand"]) == (2, 1, 1)
    assert found["cpu"] == {"usage": 0.3, "loadAverage": 0.75, "cores": 2.0}
    assert found["memory"]["used"] == 200 * MEGABYTE
    assert found["database"]["connections"] == 2
    assert found["database"]["queriesPerSecond"] == 10 + 60
    assert found["database"]["avgResponseTime"] == 0.8 / 400
    assert found["cache"] == {"hitRate": 0.75, "memoryUsage": 1500, "operationsPerSecond": 6 + 12}
    assert found["application"]["errorRate"] == 4 / 50
    assert found["application"]["requestsPerSecond"] == 5.0


def test_a_region_in_which_nobody_reported_is_empty_and_nothing_in_it_is_zero() -> None:
    view = instances_view(state(), region="eu-west-1", now=NOON)
    assert (view["instances"], view["unavailable"]) == ([], {})
    found = view["aggregate"]
    assert (found["instances"], found["provisioned"], found["onDemand"]) == (0, 0, 0)
    assert {value for group in GROUPS for value in found[group].values()} == {None}


def test_a_report_ends_after_a_minute() -> None:
    late = NOON + timedelta(seconds=REPORT_SECONDS)
    assert instances_view(state(FULL), region="eu-west-1", now=late)["instances"] == []


def test_why_a_figure_is_missing_is_said_of_each() -> None:
    paths = {f"{group}.{name}" for group in GROUPS for name in SHOWN[group]}
    assert set(WHY) == paths
    view = instances_view(state(EMPTY), region="eu-west-1", now=NOON)
    assert set(view["unavailable"]) == paths
    assert {path for path, why in view["unavailable"].items() if why == FIRST_REPORT} == set(WINDOWED)
    # On a laptop it stays missing, whoever else has only begun.
    laptop = replace(EMPTY, instance="00000000000000c3", window_seconds=5.0)
    for reports in ((EMPTY, laptop), (laptop, EMPTY)):
        view = instances_view(state(*reports), region="eu-west-1", now=NOON)
        assert view["unavailable"] == dict(WHY)


def test_of_nothing_there_is_no_mean() -> None:
    idle = replace(FULL, figures=replace(FULL.figures, commands=0, lookups=0, requests=0, work=0))
    (shown,) = instances_view(state(idle), region="eu-west-1", now=NOON)["instances"]
    assert (shown["database"]["avgResponseTime"], shown["database"]["queriesPerSecond"]) == (None, 0)
    assert (shown["cache"]["hitRate"], shown["application"]["errorRate"]) == (None, None)


def test_figures_are_added_up_from_what_was_counted() -> None:
    registry = Registry()
    for status, count in (("2xx", 5), ("4xx", 2), ("5xx", 1)):
        registry.count("aiba_http_requests_total", count, route="GET /metrics", status=status)
    for seconds in (0.25, 0.5):
        registry.observe("aiba_processing_latency_seconds", seconds, operation="GET /metrics")
        registry.observe("aiba_database_command_seconds", seconds / 10, command="find")
    registry.count("aiba_database_commands_total", 1, command="find", outcome="ok")
    registry.count("aiba_database_commands_total", 1, command="find", outcome="error")
    for result, count in (("hit", 3), ("miss", 1), ("degraded", 1)):
        registry.count("aiba_cache_lookups_total", count, cache="modes", result=result)
    for outcome, count in (("ok", 7), ("error", 1), ("refused", 4)):
        registry.count("aiba_cache_commands_total", count, command="GET", outcome=outcome)
    found = counted(registry.values())
    assert found == Counted(
        work=2,
        work_microseconds=750_000,
        requests=8,
        server_errors=1,
        commands=2,
        command_errors=1,
        command_microseconds=75_000,
        lookups=5,
        hits=3,
        cache_commands=8,
    )
    assert found.since(Counted(work=1, requests=8))["work"] == 1
    assert found.since(found) == dict.fromkeys(Counted._fields, 0)


@pytest.mark.parametrize("figures", [FULL.figures, Figures(), Figures(players=0)])
def test_figures_come_back_as_they_were_told(figures: Figures) -> None:
    assert read_figures({**figures_data(figures), "of_another_release": 1}) == figures
