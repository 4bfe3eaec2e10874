"""The breaker: data in, data out, on a clock of numbers."""

import pytest

from chalicelib.cache.breaker import CLOSED, Breaker, BreakerRules, admit, failed, released, succeeded

RULES = BreakerRules(failures_to_open=2, open_seconds=1.0, open_seconds_max=5.0, probe_seconds=10.0, spread=0.25)
MIDDLE = 0.5
"""A draw that changes nothing."""


def opened(now: float = 0.0) -> Breaker:
    once = failed(CLOSED, now, RULES, MIDDLE)
    return failed(once, now, RULES, MIDDLE)


def test_it_opens_at_the_second_failure_in_a_row_only() -> None:
    once = failed(CLOSED, 0.0, RULES, MIDDLE)
    assert once.position(0.0) == "closed"
    assert admit(succeeded(once), 0.0, RULES)[0]
    assert failed(succeeded(once), 0.0, RULES, MIDDLE).position(0.0) == "closed"
    assert failed(once, 0.0, RULES, MIDDLE).position(0.0) == "open"


def test_while_open_nobody_is_admitted_and_afterwards_one_is() -> None:
    breaker = opened()
    assert [admit(breaker, now, RULES)[0] for now in (0.0, 0.5, 0.99)] == [False] * 3
    assert breaker.position(1.0) == "half-open"
    admitted, probing = admit(breaker, 1.0, RULES)
    assert admitted
    assert [admit(probing, now, RULES)[0] for now in (1.0, 5.0, 10.9)] == [False] * 3


def test_a_probe_that_answers_closes_it() -> None:
    _, probing = admit(opened(), 1.0, RULES)
    assert succeeded(probing) == CLOSED


def test_open_times_double_up_to_a_limit() -> None:
    breaker, now, times = opened(), 0.0, []
    for _ in range(5):
        assert breaker.retry_at is not None
        times.append(breaker.retry_at - now)
        now = breaker.retry_at
        _, probing = admit(breaker, now, RULES)
        breaker = failed(probing, now, RULES, MIDDLE)
    assert times == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_failure_of_a_call_admitted_before_it_opened_lengthens_nothing() -> None:
    breaker = opened()
    assert failed(breaker, 0.9, RULES, MIDDLE) == breaker


def test_a_probe_that_never_reports_gives_its_place_up() -> None:
    _, probing = admit(opened(), 1.0, RULES)
    assert admit(probing, 11.0, RULES)[0]


def test_a_probe_that_learnt_nothing_leaves_its_place_to_the_next() -> None:
    _, probing = admit(opened(), 1.0, RULES)
    assert admit(released(probing), 1.0, RULES)[0]


@pytest.mark.parametrize(("draw", "seconds"), [(0.0, 0.75), (0.5, 1.0), (0.999, 1.25)])
def test_open_times_spread(draw: float, seconds: float) -> None:
    once = failed(CLOSED, 100.0, RULES, draw)
    breaker = failed(once, 100.0, RULES, draw)
    assert breaker.retry_at == pytest.approx(100.0 + seconds, abs=0.01)
