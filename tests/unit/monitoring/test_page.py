"""The metrics page, read back by Prometheus's own parser."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from chalicelib.monitoring.families import (
    CACHE_BREAKER,
    CACHE_HIT_RATIO,
    CACHE_MEMORY,
    DATABASE_POOL,
    FAMILIES,
    HTTP_REQUESTS,
    PROCESSING_LATENCY,
    WEBSOCKETS,
)
from chalicelib.monitoring.histograms import Histogram, quantile, representatives
from chalicelib.monitoring.page import OWN_HISTOGRAMS_MAX, state_lines
from chalicelib.monitoring.registry import Registry, series_key
from chalicelib.monitoring.reports import RECORD_LIFE, InstanceReport, RegionRecord, RegionState
from tests.worlds import NOON

RUN, LIST = "POST /api/battle/run", "GET /api/battle/{requestId}"
FIRST, SECOND = "00000000000000a1", "00000000000000b2"
OWN_GAUGES = {
    CACHE_BREAKER: 1.0,
    series_key(DATABASE_POOL, ("primary", "open")): 2,
    series_key(DATABASE_POOL, ("primary", "in_use")): 1,
}
GAUGES = {WEBSOCKETS: 40.0, CACHE_HIT_RATIO: 0.875, series_key(CACHE_MEMORY, ("5f0c2a11",)): 1_500_000.0}


def told(instance: str, **fields: object) -> InstanceReport:
    return InstanceReport(instance=instance, at=NOON, **fields)  # type: ignore[arg-type]


def state(
    reports: Iterable[InstanceReport] = (), *, record: RegionRecord | None = None, **own: Registry
) -> RegionState:
    """A state whose totals are those of ``own`` together, as if nobody were gone."""
    totals: dict[str, int] = {}
    for registry in own.values():
        for key, value in registry.values().items():
            totals[key] = totals.get(key, 0) + value
    values = {name.removeprefix("i"): registry.values() for name, registry in own.items()}
    return RegionState(totals=totals, reports=list(reports), own=values, record=record)


def parsed(found: RegionState, seconds: float = 0.0) -> dict[str, Metric]:
    lines = state_lines(found, NOON + timedelta(seconds=seconds))
    families = list(text_string_to_metric_families("\n".join(lines) + "\n"))
    assert len({family.name for family in families}) == len(families), "a family is told twice"
    return {family.name: family for family in families}


def samples(metric: Metric) -> dict[tuple[str, ...], float]:
    return {(sample.name, *sample.labels.values()): sample.value for sample in metric.samples}


def counted(*seconds: float, operation: str = RUN, status: str = "2xx") -> Registry:
    registry = Registry()
    for one in seconds:
        registry.count(HTTP_REQUESTS, route=operation, status=status)
        registry.observe(PROCESSING_LATENCY, one, operation=operation)
    return registry


def test_an_empty_state_is_an_empty_page() -> None:
    assert state_lines(state(), NOON) == []


def test_counters_come_back_with_their_labels() -> None:
    page = parsed(state(i1=counted(0.02, 0.02), i2=counted(3.0, operation=LIST, status="5xx")))
    (first, second) = page["aiba_http_requests"].samples
    assert (first.labels, first.value) == ({"route": LIST, "status": "5xx"}, 1)
    assert (second.labels, second.value) == ({"route": RUN, "status": "2xx"}, 2)
    assert page["aiba_http_requests"].type == "counter"


def test_a_histogram_comes_back_cumulative_with_the_guide_s_buckets() -> None:
    page = parsed(state(i1=counted(0.01, 0.02, 0.4, 99.0)))
    metric = page["aiba_region_processing_latency_seconds"]
    assert metric.type == "histogram"
    found = {sample.labels.get("le", sample.name[-5:]): sample.value for sample in metric.samples}
    assert found == {
        **{"0.01": 1, "0.05": 2, "0.1": 2, "0.25": 2, "0.5": 3, "1": 3, "2.5": 3, "5": 3, "10": 3, "+Inf": 4},
        **{"s_sum": 99.43, "count": 4},
    }


def test_living_instances_have_their_own_histogram_and_the_region_keeps_the_dead_s() -> None:
    living, dead = counted(0.02), counted(0.02, 0.02)
    everything = state(i1=living, i2=dead)
    page = parsed(
        RegionState(totals=everything.totals, reports=[told(FIRST)], own={FIRST: living.values()}, record=None)
    )
    own, region = page["aiba_processing_latency_seconds"], page["aiba_region_processing_latency_seconds"]
    assert {sample.labels["instance"] for sample in own.samples} == {FIRST}
    assert samples(own)["aiba_processing_latency_seconds_count", RUN, FIRST] == 1
    assert samples(region)["aiba_region_processing_latency_seconds_count", RUN] == 3


def test_gauges_of_instances_tell_what_they_know_and_leave_out_what_they_do_not() -> None:
    reports = [
        told(FIRST, request_rate=12.5, cpu_share=0.5, in_flight=1, gauges={CACHE_BREAKER: 1.0}),
        told(SECOND, memory_share=0.25, function="aiba-arena-prod", initialization="on-demand"),
    ]
    page = parsed(state(reports))
    assert samples(page["aiba_request_rate"]) == {("aiba_request_rate", FIRST): 12.5}
    assert samples(page["aiba_instance_cpu_share"]) == {("aiba_instance_cpu_share", FIRST): 0.5}
    assert samples(page["aiba_instance_memory_share"]) == {("aiba_instance_memory_share", SECOND): 0.25}
    assert samples(page["aiba_cache_breaker_open"]) == {("aiba_cache_breaker_open", FIRST): 1}
    assert samples(page["aiba_active_connections"]) == {
        ("aiba_active_connections", FIRST): 1,
        ("aiba_active_connections", SECOND): 0,
    }
    assert samples(page["aiba_instances"]) == {
        ("aiba_instances", "unknown", "unknown"): 1,
        ("aiba_instances", "aiba-arena-prod", "on-demand"): 1,
    }


def test_what_the_aggregation_found_is_told_until_it_is_stale() -> None:
    record = RegionRecord(at=NOON, gauges=GAUGES, baseline={})
    page = parsed(state([told(FIRST, in_flight=1)], record=record))
    assert samples(page["aiba_active_connections"])["aiba_active_connections", "websocket-gateway"] == 40
    assert samples(page["aiba_cache_hit_ratio"]) == {("aiba_cache_hit_ratio",): 0.875}
    assert samples(page["aiba_cache_memory_used_bytes"]) == {("aiba_cache_memory_used_bytes", "5f0c2a11"): 1_500_000}
    stale = parsed(state([told(FIRST, in_flight=1)], record=record), RECORD_LIFE.total_seconds())
    assert stale.keys() == {"aiba_active_connections", "aiba_instances"}
    assert len(stale["aiba_active_connections"].samples) == 1


def test_every_declared_metric_survives_the_parser() -> None:
    registry, gauges = Registry(), {}
    for name, family in FAMILIES.items():
        labels = {
            label: next(iter(sorted(getattr(domain, "values", {"a b/{c}.d"}))))
            for label, domain in family.labels.items()
        }
        if family.kind == "counter":
            registry.count(name, 7, **labels)
        elif family.kind == "histogram":
            registry.observe(name, 0.02, **labels)
        elif not family.per_instance and name not in ("aiba_instances",):
            gauges[series_key(name, tuple(labels.values()))] = 7.5
    known = dict.fromkeys(("request_rate", "cpu_share", "memory_share", "busy_share"), 0.5)
    one = told(FIRST, gauges=OWN_GAUGES, **known)
    record = RegionRecord(at=NOON, gauges=gauges, baseline={})
    page = parsed(RegionState(totals=registry.values(), reports=[one], own={FIRST: registry.values()}, record=record))
    told_names = {f"{name}_total" if metric.type == "counter" else name for name, metric in page.items()}
    declared = set(FAMILIES) | {family.region_name for family in FAMILIES.values() if family.region_name}
    assert told_names == declared
    assert all(metric.documentation and metric.type != "unknown" for metric in page.values())


def test_gauges_of_instances_have_the_labels_they_were_set_with() -> None:
    page = parsed(state([told(FIRST, gauges=OWN_GAUGES), told(SECOND, gauges={"aiba_of_another_release|x": 1.0})]))
    assert samples(page["aiba_database_pool_connections"]) == {
        ("aiba_database_pool_connections", FIRST, "primary", "open"): 2,
        ("aiba_database_pool_connections", FIRST, "primary", "in_use"): 1,
    }
    assert set(page) == {
        *("aiba_active_connections", "aiba_instances", "aiba_cache_breaker_open", "aiba_database_pool_connections"),
    }


def test_what_another_release_counted_is_left_out_and_its_buckets_find_a_place() -> None:
    key = series_key(PROCESSING_LATENCY, (RUN,))
    totals = {"aiba_forgotten_total|x": 3, f"{key}|le 0.07": 2, f"{key}|le 30": 1, f"{key}|le 0.1": 1}
    page = parsed(RegionState(totals=totals, reports=[], own={}, record=None))
    assert page.keys() == {"aiba_region_processing_latency_seconds"}
    found = samples(page["aiba_region_processing_latency_seconds"])
    name = "aiba_region_processing_latency_seconds_bucket"
    assert (found[name, RUN, "0.05"], found[name, RUN, "0.1"], found[name, RUN, "10"]) == (0, 3, 3)
    assert found[name, RUN, "+Inf"] == 4


def test_the_page_stays_small_with_more_instances_than_it_can_show() -> None:
    own = {f"{number:016x}": counted(0.02).values() for number in range(OWN_HISTOGRAMS_MAX + 5)}
    reports = [
        InstanceReport(instance=name, at=NOON - timedelta(seconds=number)) for number, name in enumerate(sorted(own))
    ]
    page = parsed(RegionState(totals={}, reports=reports, own=own, record=None))
    shown = {sample.labels["instance"] for sample in page["aiba_processing_latency_seconds"].samples}
    assert shown == set(sorted(own)[:OWN_HISTOGRAMS_MAX])
    assert len(page["aiba_active_connections"].samples) == len(own)


@pytest.mark.parametrize(
    ("counts", "share", "value"),
    [
        ((2, 2, 0), 0.5, 1.0),
        ((0, 4, 0), 0.5, 1.5),
        ((0, 1, 0), 0.99, 1.99),
        ((3, 0, 1), 0.99, 2.0),
        ((1, 0, 0), 1.0, 1.0),
        ((0, 0, 0), 0.5, None),
    ],
)
def test_quantiles_lie_evenly_within_buckets(counts: tuple[int, ...], share: float, value: float | None) -> None:
    assert quantile(Histogram((), (1.0, 2.0), counts, 0), share) == value


@given(st.lists(st.integers(0, 300), min_size=3, max_size=3))
def test_representatives_are_spread_like_the_values(counts: list[int]) -> None:
    found = Histogram(("http",), (1.0, 2.0), tuple(counts), 0)
    values = representatives(found, 100)
    total = sum(counts)
    assert len(values) == min(total, 100)
    assert values == sorted(values)
    # Those above the last bound are taken to be at it.
    if values:
        assert abs(sum(value <= 1.0 for value in values) / len(values) - counts[0] / total) <= 1 / len(values)
        assert max(values) <= 2.0


@pytest.mark.parametrize("most", [1, 4])
def test_a_single_value_is_in_the_middle_of_its_bucket(most: int) -> None:
    assert representatives(Histogram((), (1.0, 2.0), (0, 1, 0), 0), most) == [1.5]
    assert representatives(Histogram((), (1.0, 2.0), (0, 0, 0), 0), most) == []
