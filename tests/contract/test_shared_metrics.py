"""The region's shared metrics: in memory, in Redis (one node and a cluster), in MongoDB."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.cache.door import RedisDoor
from chalicelib.cache.shared_metrics import RedisSharedMetrics
from chalicelib.data.operations import Operations
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.data.shared_metrics import MongoSharedMetrics
from chalicelib.monitoring.families import CACHE_BREAKER, DATABASE_POOL, HTTP_REQUESTS, PROCESSING_LATENCY
from chalicelib.monitoring.figures import Figures
from chalicelib.monitoring.history import HISTORY_KEPT, MinutePoint
from chalicelib.monitoring.registry import Values, series_key
from chalicelib.monitoring.reports import (
    REPORT_SECONDS,
    SEQUENCE_KEPT,
    Flush,
    InstanceReport,
    RegionRecord,
    SharedMetrics,
)
from tests.fakes.memory_metrics import MemorySharedMetrics
from tests.redis_doors import UNHURRIED
from tests.worlds import NOON

OK = f"{HTTP_REQUESTS}|GET /openapi.json|2xx"
BAD = f"{HTTP_REQUESTS}|POST /api/battle/run|4xx"
FIRST, SECOND = "00000000000000a1", "00000000000000b2"


@pytest.fixture(params=["memory", "redis", "cluster", "mongo"])
def shared(request: pytest.FixtureRequest) -> Iterator[SharedMetrics]:
    if request.param == "memory":
        yield MemorySharedMetrics()
    elif request.param == "mongo":
        database: Database[Document] = request.getfixturevalue("database")
        pools = Pools(request.getfixturevalue("mongo_uri"), without_secondaries(GUIDE_POOLS))
        yield MongoSharedMetrics(Operations(pools, database.name, budget_seconds=20), flush_seconds=20)
        pools.close()
    else:
        cluster = request.param == "cluster"
        urls = request.getfixturevalue("valkey_cluster" if cluster else "valkey_url").split(",")
        door = RedisDoor.from_urls(urls, cluster=cluster, limits=UNHURRIED)
        yield RedisSharedMetrics(door, door, f"test_{uuid.uuid4().hex}")
        door.close()


def report(instance: str = FIRST, seconds: float = 0.0) -> InstanceReport:
    return InstanceReport(instance=instance, at=NOON + timedelta(seconds=seconds))


def flush(sequence: int, increments: Values, told: InstanceReport | None = None, own: Values | None = None) -> Flush:
    return Flush(sequence=sequence, increments=increments, report=told or report(), own=own or {})


class TestTotals:
    def test_nothing_told_is_an_empty_state(self, shared: SharedMetrics) -> None:
        state = shared.state(NOON)
        assert (dict(state.totals), list(state.reports), dict(state.own), state.record) == ({}, [], {}, None)

    def test_increments_of_all_environments_add_up(self, shared: SharedMetrics) -> None:
        shared.flush(flush(1, {OK: 3, BAD: 1}))
        shared.flush(flush(1, {OK: 5}, report(SECOND)))
        shared.flush(flush(2, {OK: 2**52}))
        assert shared.state(NOON).totals == {OK: 8 + 2**52, BAD: 1}

    def test_what_is_sent_again_counts_once(self, shared: SharedMetrics) -> None:
        for _ in range(3):
            shared.flush(flush(1, {OK: 3}))
        shared.flush(flush(2, {OK: 1}))
        shared.flush(flush(2, {OK: 1}))
        assert shared.state(NOON).totals == {OK: 4}

    def test_what_arrives_after_its_successor_adds_nothing(self, shared: SharedMetrics) -> None:
        shared.flush(flush(7, {OK: 3}))
        shared.flush(flush(6, {OK: 100}))
        assert shared.state(NOON).totals == {OK: 3}

    def test_a_flush_may_hold_nothing_but_a_report(self, shared: SharedMetrics) -> None:
        shared.flush(flush(1, {}))
        assert shared.live(NOON) == [report()]
        assert shared.state(NOON).totals == {}

    def test_a_flush_repeated_by_many_at_once_counts_once(self, shared: SharedMetrics) -> None:
        threads = [threading.Thread(target=shared.flush, args=(flush(1, {OK: 1}),)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shared.state(NOON).totals == {OK: 1}

    def test_totals_outlive_those_who_counted(self, shared: SharedMetrics) -> None:
        shared.flush(flush(1, {OK: 3}))
        later = NOON + 2 * SEQUENCE_KEPT
        shared.tidy(later)
        assert shared.state(later).totals == {OK: 3}


class TestReports:
    def test_a_report_comes_back_as_it_was_told(self, shared: SharedMetrics) -> None:
        told = InstanceReport(
            instance=FIRST,
            at=NOON + timedelta(milliseconds=250),
            function="aiba-arena-prod",
            function_version="7",
            initialization="provisioned-concurrency",
            window_seconds=5.25,
            cpu_share=0.75,
            memory_share=0.5,
            request_rate=12.5,
            busy_share=0.875,
            in_flight=1,
            gauges={CACHE_BREAKER: 2.0, series_key(DATABASE_POOL, ("primary", "open")): 2},
            figures=Figures(load_average=0.5, resident_bytes=123_456_789, commands=12, command_microseconds=4_200),
        )
        shared.flush(flush(1, {}, told))
        assert shared.live(NOON) == [told]

    def test_what_is_missing_stays_missing(self, shared: SharedMetrics) -> None:
        shared.flush(flush(1, {}))
        (found,) = shared.live(NOON)
        assert (found.cpu_share, found.memory_share, found.request_rate, found.initialization) == (None,) * 4

    def test_the_newest_report_of_an_instance_counts(self, shared: SharedMetrics) -> None:
        shared.flush(flush(1, {}, replace(report(), in_flight=1)))
        shared.flush(flush(2, {}, replace(report(seconds=5), in_flight=3)))
        shared.flush(flush(1, {}, report(SECOND, seconds=5)))
        assert [(found.instance, found.in_flight) for found in shared.live(NOON)] == [(FIRST, 3), (SECOND, 0)]

    def test_a_silent_instance_is_gone_in_a_minute_and_its_gauges_with_it(self, shared: SharedMetrics) -> None:
        shared.flush(flush(1, {OK: 1}, report(), {f"{PROCESSING_LATENCY}|GET /metrics|le 0.01": 1}))
        shared.flush(flush(1, {OK: 1}, report(SECOND, seconds=30)))
        just_before = NOON + timedelta(seconds=REPORT_SECONDS - 0.001)
        assert [found.instance for found in shared.live(just_before)] == [FIRST, SECOND]
        state = shared.state(NOON + timedelta(seconds=REPORT_SECONDS))
        assert [found.instance for found in state.reports] == [SECOND]
        assert set(state.own) == {SECOND}
        assert state.totals == {OK: 2}

    def test_an_instance_that_comes_back_goes_on_where_it_was(self, shared: SharedMetrics) -> None:
        shared.flush(flush(1, {OK: 1}))
        later = report(seconds=10 * REPORT_SECONDS)
        shared.tidy(later.at)
        shared.flush(flush(1, {OK: 1}, later))
        shared.flush(flush(2, {OK: 1}, later))
        assert shared.live(later.at) == [later]
        assert shared.state(later.at).totals == {OK: 2}

    def test_numbers_of_an_instance_are_replaced_not_added(self, shared: SharedMetrics) -> None:
        key = f"{PROCESSING_LATENCY}|GET /openapi.json|le 0.01"
        shared.flush(flush(1, {key: 1}, own={key: 1}))
        shared.flush(flush(2, {key: 1}, own={key: 2}))
        assert shared.state(NOON).own == {FIRST: {key: 2}}

    def test_leftovers_are_taken_away(self, shared: SharedMetrics) -> None:
        for number in range(20):
            shared.flush(flush(1, {OK: 1}, report(f"00000000000000{number:02x}")))
        shared.tidy(NOON + 2 * SEQUENCE_KEPT)
        assert shared.tidy(NOON + 2 * SEQUENCE_KEPT) == 0


def test_the_record_is_kept_until_the_next(shared: SharedMetrics) -> None:
    series = "aiba_cache_memory_used_bytes|5f0c.a"
    for minute in (1, 2):
        at = NOON + timedelta(minutes=minute)
        record = RegionRecord(at=at, gauges={series: 12.5 * minute}, baseline={OK: minute}, grown={OK: 1}, seconds=60.5)
        shared.record(record)
        assert shared.state(NOON).record == record


class TestHistory:
    def test_points_come_back_oldest_first_as_they_were_kept(self, shared: SharedMetrics) -> None:
        assert shared.points(NOON) == []
        points = [
            MinutePoint(
                at=NOON + timedelta(minutes=minute),
                requests_per_second=12.5,
                latency_p99_seconds=0.25,
                battles_per_second={("prediction", "rookie"): 0.5, ("guild.wars", "pro"): 0.25},
                instances=minute,
            )
            for minute in range(4)
        ]
        for one in (points[2], points[0], points[3], points[1]):
            shared.keep(one)
        assert shared.points(NOON) == points
        assert shared.points(NOON + timedelta(minutes=2)) == points[2:]

    def test_a_minute_is_kept_once_and_its_last_point_counts(self, shared: SharedMetrics) -> None:
        for instances in (3, 4, 4):
            shared.keep(MinutePoint(at=NOON, instances=instances))
        assert shared.points(NOON) == [MinutePoint(at=NOON, instances=4)]


def test_minutes_end_after_a_day(request: pytest.FixtureRequest) -> None:
    """MongoDB's are taken away by the server, by its own clock."""
    door = RedisDoor.from_urls([request.getfixturevalue("valkey_url")], cluster=False, limits=UNHURRIED)
    try:
        for shared in (MemorySharedMetrics(), RedisSharedMetrics(door, door, f"test_{uuid.uuid4().hex}")):
            for at in (NOON, NOON + timedelta(minutes=1), NOON + HISTORY_KEPT):
                shared.keep(MinutePoint(at=at))
            assert [found.at for found in shared.points(NOON)] == [NOON + timedelta(minutes=1), NOON + HISTORY_KEPT]
    finally:
        door.close()
