"""What an environment counts: series, buckets, bounds, and threads that count at once."""

import re
import threading
from pathlib import Path

import pytest

from chalicelib.monitoring.families import (
    CACHE_BREAKER,
    CACHE_COMMANDS,
    DATABASE_POOL,
    FAMILIES,
    GUIDE_BUCKETS,
    HTTP_REQUESTS,
    PROCESSING_LATENCY,
    SAMPLES_REFUSED,
)
from chalicelib.monitoring.family import AtMost, Family, OneOf
from chalicelib.monitoring.registry import Registry, Series, UnknownFamily, parse_series, series_key

ROUTE = "POST /api/battle/run"
SMALL = {
    "small_total": Family(
        name="small_total",
        kind="counter",
        help="For tests.",
        labels={"league": AtMost(2), "result": OneOf(frozenset({"won", "lost"}))},
    ),
    SAMPLES_REFUSED: FAMILIES[SAMPLES_REFUSED],
}


def test_the_guide_s_metrics_have_its_names_labels_and_buckets() -> None:
    assert {"aiba_active_connections", "aiba_battle_queue_length", "aiba_request_rate"} <= FAMILIES.keys()
    assert tuple(FAMILIES["aiba_battle_queue_length"].labels) == ("arena", "league")
    latency = FAMILIES["aiba_processing_latency_seconds"]
    assert (latency.kind, tuple(latency.labels), latency.per_instance) == ("histogram", ("operation",), True)
    assert latency.buckets == (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


OUTSIDE = {"aiba_build_info", "aiba_dependency_up"}
"""What the page tells beside what is counted."""


def test_every_metric_is_documented_and_nothing_else() -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `aiba_")]
    documented = [name for row in rows for name in re.findall(r"`(aiba_\w+)`", row)]
    names = {name for family in FAMILIES.values() for name in (family.name, family.region_name) if name}
    assert sorted(documented) == sorted(names | OUTSIDE)


def test_the_documented_labels_are_those_counted_by() -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name, family in FAMILIES.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        labels = set(re.findall(r"`(\w+)`", row.split("|")[2])) - {"instance"}
        assert labels == set(family.labels), name


def test_counters_add_up_by_label() -> None:
    registry = Registry()
    registry.count(HTTP_REQUESTS, route=ROUTE, status="2xx")
    registry.count(HTTP_REQUESTS, 4, status="2xx", route=ROUTE)
    registry.count(HTTP_REQUESTS, route=ROUTE, status="5xx")
    assert registry.values() == {f"{HTTP_REQUESTS}|{ROUTE}|2xx": 5, f"{HTTP_REQUESTS}|{ROUTE}|5xx": 1}


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0.0, "0.01"), (0.01, "0.01"), (0.0100001, "0.05"), (2.5, "2.5"), (10, "10"), (10.001, "+Inf"), (1e6, "+Inf")],
)
def test_a_bucket_holds_values_up_to_its_bound(seconds: float, bucket: str) -> None:
    registry = Registry()
    registry.observe(PROCESSING_LATENCY, seconds, operation=ROUTE)
    key = f"{PROCESSING_LATENCY}|{ROUTE}"
    assert registry.values() == {f"{key}|le {bucket}": 1, f"{key}|sum us": round(seconds * 1_000_000)}


def test_gauges_keep_the_last_value() -> None:
    registry = Registry()
    registry.set(CACHE_BREAKER, 2)
    registry.set(CACHE_BREAKER, 0)
    assert registry.gauges() == {CACHE_BREAKER: 0}
    assert registry.values() == {}


@pytest.mark.parametrize(
    "count",
    [
        lambda registry: registry.count("aiba_no_such_total"),
        lambda registry: registry.count(CACHE_BREAKER),
        lambda registry: registry.count(HTTP_REQUESTS, route=ROUTE),
        lambda registry: registry.count(HTTP_REQUESTS, route=ROUTE, status="2xx", player="777"),
        lambda registry: registry.observe(HTTP_REQUESTS, 1.0, route=ROUTE, status="2xx"),
        lambda registry: registry.set(HTTP_REQUESTS, 1.0, route=ROUTE, status="2xx"),
    ],
)
def test_what_is_not_declared_is_a_fault_of_the_caller(count) -> None:  # type: ignore[no-untyped-def]
    registry = Registry()
    with pytest.raises(UnknownFamily):
        count(registry)
    assert registry.values() == {}


def test_more_values_of_a_label_than_declared_are_refused_and_that_is_counted() -> None:
    registry = Registry(SMALL)
    for league in ("rookie", "pro", "third", "rookie", "fourth"):
        registry.count("small_total", league=league, result="won")
    assert registry.values() == {
        "small_total|rookie|won": 2,
        "small_total|pro|won": 1,
        f"{SAMPLES_REFUSED}|small_total": 2,
    }


@pytest.mark.parametrize("value", ["", "x" * 81, "a|b", 'a"b', "a\nb", "a=b", "ä"])
def test_a_value_of_a_harmful_form_is_refused(value: str) -> None:
    registry = Registry(SMALL)
    registry.count("small_total", league=value, result="won")
    assert registry.values() == {f"{SAMPLES_REFUSED}|small_total": 1}


def test_a_value_that_is_not_listed_is_refused() -> None:
    registry = Registry()
    registry.count(CACHE_COMMANDS, command="GET", outcome="fine")
    assert registry.values() == {f"{SAMPLES_REFUSED}|{CACHE_COMMANDS}": 1}


def test_a_million_different_values_make_no_more_series_than_declared() -> None:
    registry = Registry()
    for number in range(5_000):
        registry.observe(PROCESSING_LATENCY, 0.001, operation=f"GET /{number}")
    declared = FAMILIES[PROCESSING_LATENCY].labels["operation"]
    assert isinstance(declared, AtMost)
    assert len(registry.values()) == 2 * declared.most + 1


def test_threads_that_count_at_once_lose_nothing() -> None:
    registry = Registry()

    def count() -> None:
        for number in range(2_000):
            registry.count(HTTP_REQUESTS, route=ROUTE, status="2xx")
            registry.observe(PROCESSING_LATENCY, GUIDE_BUCKETS[number % 9], operation=ROUTE)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = registry.values()
    assert values[f"{HTTP_REQUESTS}|{ROUTE}|2xx"] == 8_000
    assert sum(value for key, value in values.items() if "|le " in key) == 8_000


def test_a_series_is_taken_apart_as_it_was_put_together() -> None:
    assert parse_series(series_key(HTTP_REQUESTS, (ROUTE, "2xx"))) == Series(HTTP_REQUESTS, (ROUTE, "2xx"))
    bucket = series_key(PROCESSING_LATENCY, (ROUTE,), "le 0.01")
    assert parse_series(bucket) == Series(PROCESSING_LATENCY, (ROUTE,), "le 0.01")


@pytest.mark.parametrize("key", ["aiba_of_another_release|x", HTTP_REQUESTS, f"{HTTP_REQUESTS}|a|b|c", ""])
def test_a_series_nobody_declares_is_nobody_s(key: str) -> None:
    assert parse_series(key) is None


def test_a_watched_gauge_is_asked_when_it_is_told() -> None:
    registry, numbers = Registry(), iter((3, 5))
    registry.watch(DATABASE_POOL, lambda: next(numbers), pool="primary", state="open")
    registry.set(CACHE_BREAKER, 1)
    key = series_key(DATABASE_POOL, ("primary", "open"))
    assert registry.gauges() == {CACHE_BREAKER: 1, key: 3}
    assert registry.gauges() == {CACHE_BREAKER: 1, key: 5}
    with pytest.raises(UnknownFamily):
        registry.watch(DATABASE_POOL, lambda: 1, pool="primary")
