"""AWS target tracking: stories of alarms, worked out by hand."""

from collections.abc import Sequence

import pytest

from chalicelib.scaling.model import Observation, Reading, ScalingDecision, ScalingLimits, missing, reading
from chalicelib.scaling.target_tracking import UTILIZATION, TargetTracking
from infra.simulation.scenario import Scenario, simulate
from infra.simulation.traces import Trace

LIMITS = ScalingLimits(min=1, max=100)


def tell(
    story: Sequence[float | None], *, requested: int, ready: int | None = None, limits: ScalingLimits = LIMITS
) -> list[ScalingDecision]:
    """Decisions minute by minute, the capacity staying what it is; None = a minute without invocations."""
    policy, state, decisions = TargetTracking(limits), None, []
    for minute, value in enumerate(story):
        now = 60.0 * (minute + 1)
        seen: Reading = missing("silence") if value is None else reading(value, now)
        observation = Observation(
            at=now, requested=requested, ready=requested if ready is None else ready, metrics={UTILIZATION: seen}
        )
        decision, state = policy.decide(state, observation, now)
        decisions.append(decision)
    return decisions


def test_out_with_the_third_point_above_in_proportion_rounded_up() -> None:
    decisions = tell([0.95, 0.8, 0.9], requested=7)
    assert [decision.action for decision in decisions] == ["hold", "hold", "out"]
    assert decisions[-1].desired == 9  # 7 x 0.9 / 0.7
    assert "90%" in decisions[-1].reason


def test_one_point_below_in_three_is_no_alarm() -> None:
    assert {decision.action for decision in tell([0.95, 0.95, 0.69, 0.95, 0.95, 0.7, 0.95], requested=7)} == {"hold"}


def test_a_burst_between_two_quiet_minutes_is_never_seen() -> None:
    assert {decision.action for decision in tell([0.4, 1.0, 1.0, 0.4] * 5, requested=7)} == {"hold"}


def test_in_with_the_fifteenth_point_below_nine_tenths_of_the_target() -> None:
    decisions = tell([0.35] * 15, requested=10)
    assert [decision.action for decision in decisions] == ["hold"] * 14 + ["in"]
    assert decisions[-1].desired == 5  # 10 x 0.35 / 0.7


@pytest.mark.parametrize("value", [0.63, 0.65, 0.7])
def test_nothing_between_the_alarms(value: float) -> None:
    assert {decision.action for decision in tell([value] * 30, requested=10)} == {"hold"}


def test_silence_never_scales_in() -> None:
    """The alarm has insufficient data: at night, without a request, everything stays provisioned."""
    decisions = tell([None] * 600, requested=40)
    assert {decision.desired for decision in decisions} == {40}
    assert "insufficient data" in decisions[-1].reason


def test_a_silent_minute_starts_the_fifteen_again() -> None:
    decisions = tell([0.3] * 14 + [None] + [0.3] * 15, requested=10)
    assert [decision.action for decision in decisions].index("in") == 29


def test_what_is_being_prepared_counts() -> None:
    # 10 ready of 15: the utilization is of the ten, and asks for the fifteen again.
    assert tell([1.0] * 3, requested=15, ready=10)[-1].desired == 15
    assert tell([0.2] * 15, requested=15, ready=10)[-1].action == "hold"


def test_bounds_are_named() -> None:
    decision = tell([1.0] * 3, requested=10, limits=ScalingLimits(min=2, max=12))[-1]
    assert (decision.desired, [clamp.name for clamp in decision.clamps]) == (12, ["max"])


def test_a_target_aws_would_refuse() -> None:
    with pytest.raises(ValueError, match=r"between 0\.1 and 0\.9, found 0\.95"):
        TargetTracking(LIMITS, 0.95)


def test_little_traffic_keeps_it_at_two() -> None:
    """Each invocation counts itself, so one environment is always used to 100 %: users report that the minimum of 1 is
    never reached."""
    (run,) = simulate(Scenario(), Trace("little", (12,) * 120), ["target-tracking"], lambda *_: None)
    assert [minute.requested for minute in run.minutes[30:]] == [2.0] * 90


def test_a_step_takes_minutes() -> None:
    """Three points and CloudWatch's delay: from 10 s of work per second on, nothing is asked for in four minutes."""
    trace = Trace("step", (12,) * 30 + (900,) * 30)
    (run,) = simulate(Scenario(), trace, ["target-tracking"], lambda *_: None)
    rise = next(minute for minute in range(30, 60) if run.minutes[minute].requested > run.minutes[29].requested)
    assert rise == 34
