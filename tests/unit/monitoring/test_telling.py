"""An environment tells its region what it counted: when, what, and never twice, whatever is lost on the way."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.clock import ManualClock
from chalicelib.monitoring.families import DATABASE_COMMANDS, HTTP_REQUESTS, PROCESSING_LATENCY
from chalicelib.monitoring.figures import Figures
from chalicelib.monitoring.machine import Machine
from chalicelib.monitoring.meters import PLAYERS_MAX, RETRY_SECONDS_MAX, Meters
from chalicelib.monitoring.outgoing import growth
from chalicelib.monitoring.reports import FLUSH_SECONDS, Flush, InstanceReport, SharedMetrics, to_fields
from chalicelib.monitoring.usage import MEGABYTE, MEGABYTES_PER_VCPU, Usage, identify
from tests.fakes.memory_metrics import MemorySharedMetrics
from tests.worlds import NOON

ROUTE = "POST /api/battle/run"
LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "aiba-arena-prod",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(2 * MEGABYTES_PER_VCPU),
}


@dataclass
class Environment:
    """Meters on a clock of the test's, and what they told."""

    shared: Any = field(default_factory=MemorySharedMetrics)
    environ: dict[str, str] = field(default_factory=dict)
    used: Usage = field(default_factory=lambda: Usage(0.0, None))
    machine: Machine = field(default_factory=Machine)

    def __post_init__(self) -> None:
        self.seconds = 100.0
        self.clock = ManualClock(NOON)
        self.faults: list[Exception] = []
        self.meters = Meters(
            identify("00000000000000a1", self.environ),
            lambda: self.shared,
            self.clock,
            lambda: self.seconds,
            failed=self.faults.append,
            usage=lambda: self.used,
            machine=lambda: self.machine,
        )

    def advance(self, seconds: float, *, cpu_seconds: float = 0.0) -> None:
        self.seconds += seconds
        self.clock.advance(seconds)
        self.used = Usage(self.used.cpu_seconds + cpu_seconds, self.used.resident_bytes)

    def answer(self, seconds: float = 0.0, status: int = 200) -> None:
        work = self.meters.begin()
        self.advance(seconds)
        work.answered(ROUTE, status)

    def report(self) -> InstanceReport:
        found: list[InstanceReport] = self.shared.live(self.clock())
        (report,) = found
        return report

    def told(self, status: str = "2xx") -> int:
        return int(self.shared.state(self.clock()).totals.get(f"{HTTP_REQUESTS}|{ROUTE}|{status}", 0))


class TestWhen:
    def test_the_first_unit_of_work_tells_and_others_do_after_a_while(self) -> None:
        environment = Environment()
        environment.answer()
        assert environment.told() == 1
        for _ in range(9):
            environment.advance(FLUSH_SECONDS / 10)
            environment.answer()
        assert (environment.told(), environment.shared.flushes) == (1, 1)
        environment.advance(FLUSH_SECONDS / 10)
        environment.answer()
        assert (environment.told(), environment.shared.flushes) == (11, 2)

    def test_a_store_that_fails_is_asked_less_and_less_often(self) -> None:
        environment = Environment()
        environment.shared.down = True
        asked = []
        shared: SharedMetrics = environment.shared
        environment.shared = _Noting(shared, lambda: asked.append(environment.seconds - 100))
        for _ in range(200):
            environment.answer()
            environment.advance(1)
        gaps = [after - before for before, after in pairwise(asked)]
        assert gaps == [10, 20, 40, RETRY_SECONDS_MAX, RETRY_SECONDS_MAX]
        assert len(environment.faults) == 1
        environment.shared = shared
        environment.shared.down = False
        environment.advance(RETRY_SECONDS_MAX)
        environment.answer()
        assert environment.told() == 1
        environment.advance(FLUSH_SECONDS)
        environment.answer()
        assert environment.told() == 202

    def test_work_is_never_hurt_by_a_store_that_fails(self) -> None:
        environment = Environment()
        environment.shared.down = True
        with environment.meters.timed("queue battles"):
            pass
        assert [type(fault) for fault in environment.faults] == [ConnectionError]

    def test_what_fails_in_a_unit_of_work_counts_and_goes_on(self) -> None:
        environment = Environment()

        @environment.meters.timed("queue battles")
        def fail() -> None:
            environment.advance(2)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        totals = environment.shared.state(NOON).totals
        assert totals[f"{PROCESSING_LATENCY}|queue battles|le 2.5"] == 1
        assert environment.report().in_flight == 1

    def test_closing_tells_what_is_untold(self) -> None:
        environment = Environment()
        environment.answer()
        environment.answer()
        assert environment.told() == 1
        environment.meters.close()
        assert environment.told() == 2
        environment.meters.close()
        assert environment.shared.flushes == 2

    def test_an_environment_that_did_nothing_tells_nothing(self) -> None:
        environment = Environment()
        environment.meters.registry.count(DATABASE_COMMANDS, command="find", outcome="ok")
        environment.meters.close()
        assert environment.shared.flushes == 0

    def test_of_threads_that_find_it_due_one_tells(self) -> None:
        environment = Environment()
        entered, released = threading.Event(), threading.Event()

        def wait() -> None:
            entered.set()
            assert released.wait(60)

        environment.shared = _Noting(environment.shared, wait)
        first = threading.Thread(target=environment.answer)
        first.start()
        assert entered.wait(60)
        environment.answer()
        released.set()
        first.join()
        assert environment.shared.inner.flushes == 1


class TestWhat:
    def test_a_busy_environment_s_shares_are_of_what_it_has(self) -> None:
        environment = Environment(environ=LAMBDA, used=Usage(3.0, 2 * MEGABYTES_PER_VCPU * MEGABYTE // 4))
        environment.answer()
        for _ in range(5):
            environment.answer(seconds=1.0)
            environment.advance(1.0, cpu_seconds=1.5)
        environment.answer()
        report = environment.report()
        assert report.window_seconds == 5
        # 4.5 CPU seconds in 5 s of two vCPUs.
        assert report.cpu_share == 0.45
        assert report.memory_share == 0.25
        # Two that began and ended in it, and the one that carried the report before.
        assert report.request_rate == 0.6
        assert report.busy_share == 0.4
        assert (report.in_flight, report.active_connections) == (1, 1)
        assert (report.function, report.function_version) == ("aiba-arena-prod", "7")
        assert report.initialization == "provisioned-concurrency"

    def test_a_window_too_short_says_nothing_rather_than_nonsense(self) -> None:
        environment = Environment(environ=LAMBDA)
        environment.advance(0.9, cpu_seconds=0.9)
        environment.answer()
        report = environment.report()
        shares = (report.window_seconds, report.cpu_share, report.request_rate, report.busy_share)
        assert shares == (None, None, None, None)

    def test_what_the_platform_can_not_say_is_missing(self) -> None:
        environment = Environment(used=Usage(0.0, 1000))
        environment.answer()
        environment.advance(10, cpu_seconds=5)
        environment.answer()
        report = environment.report()
        assert report.request_rate == 0.1
        assert (report.cpu_share, report.memory_share, report.initialization, report.function) == (None,) * 4

    def test_figures_are_of_the_time_since_the_report_before(self) -> None:
        environment = Environment(environ=LAMBDA, used=Usage(0.0, 5 * MEGABYTE))
        environment.machine = Machine(network_bytes=1_000, network_packets=10)
        environment.answer()
        assert environment.report().figures.work is None
        environment.machine = Machine(
            load_average=0.5, sockets=4, total_bytes=9, network_bytes=1_500, network_packets=9
        )
        for player in ("777", "888", "777"):
            environment.meters.served(player)
            environment.answer(seconds=2.0, status=500 if player == "888" else 200)
        figures = environment.report().figures
        # The one that carries the report is in it: it has been counted already.
        assert (figures.requests, figures.server_errors, figures.players) == (3, 1, 2)
        assert (figures.work, figures.work_microseconds) == (3, 6_000_000)
        assert (figures.load_average, figures.sockets, figures.system_total_bytes) == (0.5, 4, 9)
        # What went back began anew: there is nothing to compare with.
        assert (figures.network_bytes, figures.network_packets) == (500, None)
        assert (figures.vcpus, figures.resident_bytes) == (2.0, 5 * MEGABYTE)
        assert figures.memory_bytes == 2 * MEGABYTES_PER_VCPU * MEGABYTE
        environment.advance(FLUSH_SECONDS)
        environment.answer()
        assert (environment.report().figures.requests, environment.report().figures.players) == (1, 0)

    def test_players_are_counted_up_to_a_bound_and_never_told(self) -> None:
        environment = Environment()
        environment.answer()
        for number in range(PLAYERS_MAX + 5):
            environment.meters.served(f"player-{number}")
        environment.answer(seconds=FLUSH_SECONDS)
        assert environment.report().figures.players == PLAYERS_MAX
        assert "player-7" not in repr(to_fields(environment.report()))

    def test_without_a_system_that_says_anything_there_is_what_was_counted(self) -> None:
        environment = Environment()
        environment.answer()
        environment.answer(seconds=FLUSH_SECONDS)
        zeros = dict.fromkeys(("server_errors", "commands", "command_errors", "command_microseconds"), 0)
        cache = dict.fromkeys(("lookups", "hits", "cache_commands"), 0)
        counted = Figures(players=0, requests=1, work=1, work_microseconds=5_000_000, **zeros, **cache)
        assert environment.report().figures == counted

    def test_requests_in_flight_are_told(self) -> None:
        environment = Environment()
        others = [environment.meters.begin() for _ in range(3)]
        environment.answer()
        assert environment.report().in_flight == 4
        for work in others:
            work.done("queue battles")
        environment.advance(10)
        environment.answer()
        assert environment.report().in_flight == 1

    def test_a_histogram_of_the_instance_is_told_whole_and_the_region_s_as_growth(self) -> None:
        environment = Environment()
        key = f"{PROCESSING_LATENCY}|{ROUTE}|le 0.01"
        for count in (1, 2, 3):
            environment.answer()
            environment.advance(FLUSH_SECONDS)
            state = environment.shared.state(environment.clock())
            assert (state.own["00000000000000a1"][key], state.totals[key]) == (count, count)
        assert set(state.own["00000000000000a1"]) == {key, f"{PROCESSING_LATENCY}|{ROUTE}|sum us"}


class TestOnce:
    def test_a_lost_answer_is_no_second_count(self) -> None:
        environment = Environment()
        environment.shared.deaf = True
        environment.answer()
        environment.answer()
        assert environment.told() == 1
        environment.shared.deaf = False
        environment.advance(2 * FLUSH_SECONDS)
        environment.answer()
        # The first batch as it was; what came since follows it.
        assert environment.told() == 1
        environment.advance(FLUSH_SECONDS)
        environment.answer()
        assert environment.told() == 4

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.sampled_from(["answer", "flush", "down", "deaf", "fine"]), max_size=40))
    def test_whatever_is_lost_the_region_counts_what_happened(self, steps: list[str]) -> None:
        environment = Environment()
        done: dict[str, Callable[[], object]] = {
            "answer": lambda: environment.answer(0.25),
            "flush": environment.meters.flush,
            "down": lambda: environment.shared.__dict__.update(down=True, deaf=False),
            "deaf": lambda: environment.shared.__dict__.update(down=False, deaf=True),
            "fine": lambda: environment.shared.__dict__.update(down=False, deaf=False),
        }
        for step in steps:
            done[step]()
        done["fine"]()
        environment.meters.flush()
        environment.meters.flush()
        assert environment.shared.state(NOON).totals == environment.meters.registry.values()


def test_growth_of_what_began_anew_is_its_whole_value() -> None:
    assert growth({"a": 5, "b": 2, "gone": 1}, {"a": 7, "b": 1, "new": 3}) == {"a": 2, "b": 1, "new": 3}
    assert growth({"a": 5}, {"a": 5}) == {}


class _Noting:
    """Shared metrics that tell when a flush arrives."""

    def __init__(self, inner: Any, arrived: Callable[[], object]) -> None:
        self.inner = inner
        self._arrived = arrived

    def flush(self, flush: Flush) -> None:
        self._arrived()
        self.inner.flush(flush)
