"""The clairvoyant, against every schedule there is."""

import itertools
import random

import pytest

from chalicelib.scaling.model import ScalingLimits
from infra.simulation.engine import Simulation
from infra.simulation.lambda_model import LambdaModel
from infra.simulation.oracle import Oracle, best_schedule
from infra.simulation.run import Run
from infra.simulation.scenario import POLICIES, Scenario, simulate
from infra.simulation.traces import Arrivals, Trace, draw_arrivals
from tests.traffic import family
from tests.unit.simulation.test_lambda_model import Scripted

MODEL = LambdaModel(service_mean_seconds=1.5, prepare_seconds=15.0, allocations_per_second=1e9, cold_start_seconds=0.0)


def small(seed: int, highest: int, minutes: int) -> tuple[Arrivals, ScalingLimits]:
    draw = random.Random(seed)
    trace = Trace("small", tuple(draw.choice([2, 20, 60]) for _ in range(minutes)))
    return draw_arrivals(trace, MODEL, seed), ScalingLimits(min=1, max=highest)


def objective(run: Run, worth_seconds: float) -> float:
    return run.cost_usd + worth_seconds * MODEL.environment_second * run.spilled


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("worth", [2.0, 30.0])
@pytest.mark.parametrize(("highest", "minutes"), [(3, 1), (2, 2)])
def test_no_schedule_is_better(seed: int, worth: float, highest: int, minutes: int) -> None:
    arrivals, limits = small(seed, highest, minutes)

    def play(asked: list[int]) -> float:
        run = Simulation(arrivals, Scripted(asked), trace="small", model=MODEL, limits=limits).run()
        return objective(run, worth)

    best = min(play(list(asked)) for asked in itertools.product(range(1, highest + 1), repeat=4 * minutes))
    schedule = best_schedule(arrivals, MODEL, limits, worth * MODEL.environment_second)
    oracle = Oracle(schedule, MODEL, worth)
    found = objective(Simulation(arrivals, oracle, trace="small", model=MODEL, limits=limits).run(), worth)
    # Beside the stated approximation: one request's worth at a step.
    assert best <= found <= best + worth * MODEL.environment_second + 1e-12


@pytest.mark.parametrize("name", ["bursts", "comb", "step"])
def test_no_policy_beats_it_at_its_own_objective(name: str) -> None:
    scenario = Scenario(worth_seconds=20.0)
    runs = simulate(scenario, family(name), list(POLICIES), lambda *_: None)
    values = {run.policy: objective(run, 20.0) for run in runs}
    assert min(values, key=lambda policy: values[policy]) == "oracle"


def test_a_higher_price_spills_no_more() -> None:
    arrivals = draw_arrivals(family("comb"), LambdaModel(), seed=1)
    spilled = []
    for worth in (1.0, 10.0, 100.0):
        schedule = best_schedule(arrivals, LambdaModel(), ScalingLimits(min=1, max=100), worth * 4.2e-6)
        oracle = Oracle(schedule, LambdaModel(), worth)
        limits = ScalingLimits(min=1, max=100)
        spilled.append(Simulation(arrivals, oracle, trace="comb", model=LambdaModel(), limits=limits).run().spilled)
    assert spilled == sorted(spilled, reverse=True)
