"""The predictive policy: what it promises whatever the traffic, and that it keeps beating target tracking."""

import copy
import json
import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.scaling.erlang import blocking, busiest, environments_for
from chalicelib.scaling.forecast import Forecaster
from chalicelib.scaling.model import (
    ARRIVALS,
    OFFERED_LOAD,
    Ceiling,
    Observation,
    ScalingDecision,
    ScalingLimits,
    State,
    missing,
    reading,
)
from chalicelib.scaling.policies import build_policy
from chalicelib.scaling.predictive import Predictive
from infra.simulation.run import Run
from infra.simulation.scenario import Scenario, simulate
from tests.traffic import FAMILIES, family

LIMITS = ScalingLimits(min=2, max=60)
SERVICE = 0.5
START = 1_700_006_400.0


def observation(at: float, load: float, requested: int, ceilings: tuple[Ceiling, ...] = ()) -> Observation:
    metrics = {OFFERED_LOAD: reading(load, at), ARRIVALS: reading(load / SERVICE, at)}
    return Observation(at=at, requested=requested, ready=requested, metrics=metrics, ceilings=ceilings)


def tell(policy: Predictive, loads: Iterable[float], state: State = None) -> tuple[list[ScalingDecision], State]:
    """Decisions, one each 15 s, each carried out at once."""
    decisions, requested, at = [], policy.configuration["min"], START if state is None else state["forecast"]["at"]
    for load in loads:
        at += 15.0
        decision, state = policy.decide(state, observation(at, load, requested), at)
        decisions.append(decision)
        requested = decision.desired
    return decisions, state


def noisy(seed: int, ticks: int) -> list[float]:
    draw = random.Random(seed)
    return [max(0.0, draw.gauss(8, 4)) * draw.choice([0, 1, 1, 1, 6]) for _ in range(ticks)]


def test_erlang_b_against_the_textbook() -> None:
    assert blocking(1.0, 1) == pytest.approx(0.5)
    assert blocking(1.0, 2) == pytest.approx(0.2)
    assert blocking(4.0, 6) == pytest.approx(0.1172, abs=1e-4)
    assert (blocking(0.0, 0), blocking(2.0, 500)) == (0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(
    loads=st.lists(st.floats(0.05, 30), min_size=1, max_size=5),
    price=st.floats(0.001, 0.6),
    bounds=st.tuples(st.integers(1, 5), st.integers(0, 50)),
)
def test_the_number_of_environments_is_the_cheapest(loads: list[float], price: float, bounds: tuple[int, int]) -> None:
    low, high = bounds[0], bounds[0] + bounds[1]
    prepared = busiest([(load, 1 / len(loads)) for load in loads])

    def cost(count: int) -> float:
        away = sum(weight * (shares[count] if count < len(shares) else 0.0) for weight, shares in prepared.parts)
        return price * count + away

    found = environments_for(prepared, price=price, low=low, high=high)
    assert low <= found <= high
    assert cost(found) <= min(cost(count) for count in range(low, high + 1)) + 1e-9
    assert environments_for(prepared, price=price / 2, low=low, high=high) >= found


@pytest.mark.parametrize("seed", range(3))
def test_bounds_and_ceilings_hold_whatever_comes(seed: int) -> None:
    policy, state, requested = Predictive(LIMITS), None, 2
    for tick, load in enumerate(noisy(seed, 300)):
        ceilings = (Ceiling("mongo_connections", 9, "few connections"),) if tick % 3 else ()
        now = START + 15.0 * (tick + 1)
        decision, state = policy.decide(state, observation(now, load, requested, ceilings), now)
        assert LIMITS.min <= decision.desired <= (9 if ceilings else LIMITS.max)
        requested = decision.desired


def test_more_worth_is_never_less_capacity_for_the_same_forecast() -> None:
    forecaster = Forecaster(None, 90.0)
    for tick, load in enumerate(noisy(4, 400)):
        forecaster.observe(START + 15.0 * (tick + 1), load, load / SERVICE)
    forecast = forecaster.forecast("learned")
    prepared = busiest(forecast.distribution)
    wanted = [environments_for(prepared, price=SERVICE / worth, low=1, high=500) for worth in (1, 5, 30, 200, 5000)]
    assert wanted == sorted(wanted)
    assert wanted[0] < wanted[-1]


def test_silence_holds_and_changes_nothing() -> None:
    policy = Predictive(LIMITS)
    decisions, state = tell(policy, [20.0] * 100)
    blind = Observation(
        at=START + 2000, requested=33, ready=33, metrics={OFFERED_LOAD: missing("the store did not answer")}
    )
    decision, after = policy.decide(state, blind, START + 2000)
    assert (decision.action, decision.desired, after) == ("hold", 33, state)
    assert "the store did not answer" in decision.reason
    assert decisions[-1].desired > 20


def test_a_sample_counts_once() -> None:
    policy = Predictive(LIMITS)
    _, state = tell(policy, [5.0] * 50)
    again = observation(state["forecast"]["at"], 50.0, 9)
    decision, after = policy.decide(state, again, again.at)
    assert (decision.desired, decision.reason, after) == (9, "keeps 9: no new sample", state)


def test_the_state_is_json_bounded_and_not_touched() -> None:
    policy = Predictive(LIMITS)
    _, state = tell(policy, noisy(1, 5760))
    day = len(json.dumps(state))
    before = copy.deepcopy(state)
    through_json = json.loads(json.dumps(state))
    direct, later = tell(policy, noisy(2, 1500), state)
    stored, _ = tell(policy, noisy(2, 1500), through_json)
    assert direct == stored
    assert state == before
    assert len(json.dumps(later)) < 1.1 * day < 25_000


def test_its_configuration_builds_it_again() -> None:
    policy = Predictive(LIMITS, worth_seconds=33.0)
    again = build_policy("predictive", json.loads(json.dumps(policy.configuration)))
    assert again.configuration == policy.configuration


def test_it_forgets() -> None:
    """A day of bursts, then calm: the bursts are priced in for hours, not for ever."""
    policy = Predictive(ScalingLimits(min=1, max=200))
    bursts = ([4.0] * 56 + [40.0] * 4) * 48
    decisions, state = tell(policy, bursts)
    calm, _ = tell(policy, [4.0] * 5760, state)
    assert max(decision.desired for decision in decisions[-60:]) >= 30
    assert max(decision.desired for decision in calm[-960:]) <= 12


def test_it_learns_a_schedule_and_is_there_before_it() -> None:
    """A minute of eightfold load each quarter of an hour: after some hours enough is asked for ahead of it."""
    policy = Predictive(ScalingLimits(min=1, max=200))
    quarter = [32.0] * 4 + [4.0] * 56
    decisions, _ = tell(policy, quarter * 40)
    last = decisions[-60:]
    before = [decision.desired for decision in last[53:56]]
    between = [decision.desired for decision in last[15:40]]
    assert min(before) >= 28
    assert max(between) <= 14
    # The 54th sample ends 90 s ahead of the minute: that is how long more takes to be ready.
    assert last[53].inputs["expected"] > 20 > 2 * last[53].inputs["load"]


def test_it_says_what_it_expected_and_why() -> None:
    decisions, _ = tell(Predictive(LIMITS), [10.0] * 200)
    decision = decisions[-1]
    for part in (
        "expects ",
        " busy (",
        " in 90 s by '",
        "minute of the hour x",
        "time of day x",
        "a cold-served request",
    ):
        assert part in decision.reason
    assert json.loads(json.dumps(decision.inputs)) == decision.inputs
    assert set(decision.inputs) >= {"expected", "low", "high", "candidate", "worth_seconds", "headroom", "load"}
    assert decision.inputs["low"] - 1e-9 <= 10.0 <= decision.inputs["high"] + 1e-9
    assert decision.outcomes[0].value == decision.inputs["expected"]


def test_a_steady_load_gets_a_steady_capacity() -> None:
    """While the price is being found it moves by one now and then: thrice in half a day."""
    decisions, _ = tell(Predictive(LIMITS), [10.0] * 4000)
    asked = [decision.desired for decision in decisions[-2880:]]
    assert sum(before != after for before, after in pairwise(asked)) <= 3
    assert max(asked) - min(asked) <= 2


def test_late_and_missing_samples_end_each_minute_once() -> None:
    forecaster, ended = Forecaster(None, 90.0), []
    for second in (15.0, 31.0, 47.0, 62.5, 78.0, 95.0, 110.0, 190.0, 205.0, 239.0, 254.0):
        forecaster.observe(START + second, 1.0, 2.0)
        ended.append(forecaster.minute_ended)
    assert [index for index, each in enumerate(ended) if each] == [3, 7, 10]


@pytest.mark.parametrize("state", [{"kind": "predictive/0", "forecast": 3}, {"rungs": [[]]}, [1, 2]])
def test_what_another_release_remembered_is_left_aside(state: State) -> None:
    policy = Predictive(LIMITS)
    now = START + 15.0
    assert policy.decide(state, observation(now, 5.0, 4), now) == policy.decide(None, observation(now, 5.0, 4), now)


def test_worth_must_be_something() -> None:
    with pytest.raises(ValueError, match="worth_seconds must be above 0, found 0"):
        Predictive(LIMITS, worth_seconds=0)


def runs_of(name: str, seed: int) -> tuple[Run, Run]:
    scenario = Scenario(seed=seed)
    tracking, predictive = simulate(scenario, family(name, seed), ["target-tracking", "predictive"], lambda *_: None)
    return tracking, predictive


def test_it_beats_target_tracking_on_traffic_made_up() -> None:
    """Dearer by 3 % at most, in ten hours from nothing; over all families a third fewer spill. Each is printed."""
    tracked = spilled = 0.0
    for name in FAMILIES:
        tracking, predictive = runs_of(name, seed=3)
        ratio = predictive.cost_usd / tracking.cost_usd
        print(f"{name}: spill {predictive.spill_share:.3%} of {tracking.spill_share:.3%}, cost {ratio:.3f}")
        assert ratio < 1.03
        tracked += tracking.spill_share
        spilled += predictive.spill_share
    assert spilled < 0.67 * tracked
