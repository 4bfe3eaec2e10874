"""The model of Lambda against a second one, and its determinism."""

import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from chalicelib.scaling.model import IN_USE, Observation, ScalingDecision, ScalingLimits, State
from chalicelib.scaling.target_tracking import UTILIZATION, TargetTracking
from infra.simulation.engine import EPOCH, Simulation
from infra.simulation.lambda_model import LambdaModel
from infra.simulation.traces import Arrivals, Trace, draw_arrivals
from tests.naive_lambda import play

LIMITS = ScalingLimits(min=1, max=50)


class Scripted:
    """Asks for a list of numbers, tick by tick, and writes down what it was shown."""

    name = "scripted"

    def __init__(self, asked: list[int]) -> None:
        self.asked = asked
        self.utilization: dict[int, float] = {}
        self.peaks: dict[int, float] = {}

    @property
    def configuration(self) -> Mapping[str, Any]:
        return {}

    def decide(self, state: State, observation: Observation, now: float) -> tuple[ScalingDecision, State]:
        for point in observation.read(UTILIZATION).points:
            self.utilization[round((point.at - EPOCH) / 60) - 1] = point.value
        for point in observation.read(IN_USE).points:
            minute = int((point.at - EPOCH - 1) // 60)
            self.peaks[minute] = max(self.peaks.get(minute, 0.0), point.value)
        desired = self.asked[int(state or 0)]
        decision = ScalingDecision(
            policy=self.name, at=now, current=observation.requested, desired=desired, action="hold", reason=""
        )
        return decision, int(state or 0) + 1


def small_case(seed: int) -> tuple[LambdaModel, Arrivals, list[int]]:
    draw = random.Random(seed)
    model = LambdaModel(
        service_mean_seconds=draw.choice([0.2, 2.0, 20.0]),
        prepare_seconds=draw.choice([0.0, 20.0, 90.0]),
        allocations_per_second=draw.choice([0.5, 100.0]),
        idle_life_seconds=draw.choice([1.0, 30.0, 300.0]),
        metric_delay_seconds=draw.choice([0.0, 60.0]),
    )
    minutes = draw.randrange(2, 7)
    trace = Trace("small", tuple(draw.choice([0, 1, 5, 40]) for _ in range(minutes)))
    asked = [draw.randrange(1, 9)]
    while len(asked) < 4 * minutes:
        asked.append(asked[-1] if draw.random() < 0.7 else draw.randrange(1, 9))
    return model, draw_arrivals(trace, model, seed), asked


@pytest.mark.parametrize("seed", range(60))
def test_both_models_agree(seed: int) -> None:
    model, arrivals, asked = small_case(seed)
    policy = Scripted(asked)
    run = Simulation(arrivals, policy, trace="small", model=model, limits=LIMITS).run()
    requests = list(zip(arrivals.at.tolist(), arrivals.service.tolist(), strict=True))
    naive = play(requests, asked, LIMITS.min, model)
    assert (run.spilled, run.cold_starts) == (naive.spilled, naive.cold)
    assert run.cost_usd == pytest.approx(naive.cost, rel=1e-12)
    assert run.mean_provisioned == pytest.approx(sum(asked) / len(asked))
    assert {number: minute.peak for number, minute in enumerate(run.minutes) if minute.peak} == naive.peaks
    last = 60.0 * len(run.minutes) - 15.0 - model.metric_delay_seconds
    assert set(policy.utilization) == {minute for minute in naive.utilization if 60.0 * (minute + 1) <= last}
    for minute, share in policy.utilization.items():
        assert share == pytest.approx(naive.utilization[minute])
    # Nobody decides after the last 15 s, so nobody is shown them.
    shown = {minute: peak for minute, peak in policy.peaks.items() if minute < len(run.minutes) - 1}
    assert shown == {minute: naive.peaks.get(minute, 0) for minute in shown}
    changes = [after - before for before, after in pairwise([LIMITS.min, *asked]) if after != before]
    assert run.actions == len(changes)
    assert run.reversals == sum(a * b < 0 for a, b in pairwise(changes))


def test_a_minute_without_invocations_has_no_utilization() -> None:
    arrivals = draw_arrivals(Trace("gap", (5, 0, 5, 0)), LambdaModel(), seed=1)
    policy = Scripted([1] * 16)
    model = replace(LambdaModel(), metric_delay_seconds=0.0)
    Simulation(arrivals, policy, trace="gap", model=model, limits=LIMITS).run()
    assert set(policy.utilization) == {0, 2}


def test_the_seed_decides_everything() -> None:
    trace = Trace("some", (30, 60, 90, 10))

    def once(seed: int) -> dict[str, Any]:
        arrivals = draw_arrivals(trace, LambdaModel(), seed)
        policy = TargetTracking(LIMITS)
        return Simulation(arrivals, policy, trace="some", model=LambdaModel(), limits=LIMITS).run().report()

    assert once(7) == once(7)
    assert once(7) != once(8)


def test_arrivals_keep_the_counts_of_every_minute() -> None:
    trace = Trace("some", (3, 0, 17, 1))
    arrivals = draw_arrivals(trace, LambdaModel(), seed=3)
    assert np.histogram(arrivals.at, bins=[0, 60, 120, 180, 240])[0].tolist() == list(trace.counts)
    assert arrivals.ticks[[0, 4, 8, 12, 16]].tolist() == [0, 3, 3, 20, 21]


@pytest.mark.parametrize("factor", [0.1, 3.0])
def test_scaling_draws_instead_of_multiplying(factor: float) -> None:
    trace = Trace("flat", (100,) * 400)
    arrivals = draw_arrivals(trace, LambdaModel(), seed=5, scale=factor)
    counts = np.histogram(arrivals.at, bins=np.arange(401) * 60.0)[0]
    assert counts.mean() == pytest.approx(100 * factor, rel=0.03)
    drawn = 100 * (factor * (1 - factor) if factor < 1 else factor - 1)
    assert counts.var() == pytest.approx(drawn, rel=0.3)


def test_service_times_have_the_stated_mean_and_spread() -> None:
    model = LambdaModel(service_mean_seconds=0.4, service_cv=0.8)
    service = draw_arrivals(Trace("many", (100_000,)), model, seed=2).service
    assert service.mean() == pytest.approx(0.4, rel=0.01)
    assert service.std() / service.mean() == pytest.approx(0.8, rel=0.03)
