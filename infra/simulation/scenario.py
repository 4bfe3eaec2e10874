"""Policies by name, set up for one trace, and all of them run on it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.model import Observation, Policy, ScalingDecision, ScalingLimits, State, action_of
from chalicelib.scaling.predictive import WORTH_SECONDS, Predictive
from chalicelib.scaling.rule_sets import guide_rule_set, hpa_rule_set
from chalicelib.scaling.target_tracking import TargetTracking
from chalicelib.scaling.tiers import PRODUCTION
from infra.simulation.engine import Simulation
from infra.simulation.lambda_model import LambdaModel
from infra.simulation.oracle import Oracle, best_schedule
from infra.simulation.run import Run
from infra.simulation.traces import Arrivals, Trace, draw_arrivals

FULL_AT: Final = 0.7
"""Utilization the static fleet is sized for, like target tracking's target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is the same for all policies."""

    model: LambdaModel = field(default_factory=LambdaModel)
    limits: ScalingLimits = field(default_factory=lambda: ScalingLimits(min=1, max=1000))
    """The least Lambda allows to configure; and an account's default concurrency. Equal for all policies."""
    seed: int = 1
    scale: float = 1.0
    """Rate of the traffic over the trace's."""
    worth_seconds: float = WORTH_SECONDS
    """The knob of ``predictive``, and what ``oracle`` minimises with."""


class Static:
    """The same number always."""

    name = "static"

    def __init__(self, environments: int) -> None:
        self._environments = environments

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The number."""
        return {"environments": self._environments}

    def decide(self, state: State, observation: Observation, now: float) -> tuple[ScalingDecision, State]:
        """That number."""
        action = action_of(observation.requested, self._environments)
        reason = f"{self._environments}, always"
        decision = ScalingDecision(
            policy=self.name,
            at=now,
            current=observation.requested,
            desired=self._environments,
            action=action,
            reason=reason,
        )
        return decision, state


def _static(scenario: Scenario, arrivals: Arrivals) -> Policy:
    load = float(arrivals.service.sum()) / (60.0 * arrivals.minutes)
    wanted = math.ceil(load / FULL_AT)
    return Static(max(scenario.limits.min, min(scenario.limits.max, wanted)))


def _guide(scenario: Scenario, _: Arrivals) -> Policy:
    return GuidePolicy(replace(guide_rule_set(PRODUCTION), limits=scenario.limits))


def _hpa(scenario: Scenario, _: Arrivals) -> Policy:
    return GuidePolicy(replace(hpa_rule_set(PRODUCTION), limits=scenario.limits))


def _target_tracking(scenario: Scenario, _: Arrivals) -> Policy:
    return TargetTracking(scenario.limits)


def _predictive(scenario: Scenario, _: Arrivals) -> Policy:
    return Predictive(scenario.limits, scenario.worth_seconds, scenario.model.prepare_seconds)


def _oracle(scenario: Scenario, arrivals: Arrivals) -> Policy:
    worth = scenario.worth_seconds * scenario.model.environment_second
    schedule = best_schedule(arrivals, scenario.model, scenario.limits, worth)
    return Oracle(schedule, scenario.model, scenario.worth_seconds)


POLICIES: Final[Mapping[str, Callable[[Scenario, Arrivals], Policy]]] = {
    "static": _static,
    "guide": _guide,
    "hpa": _hpa,
    "target-tracking": _target_tracking,
    "predictive": _predictive,
    "oracle": _oracle,
}
"""In the order of the table. ``static`` and ``oracle`` know the trace beforehand."""

Progress = Callable[[str, str, float], None]
"""Told trace, policy and the share done."""


def simulate(scenario: Scenario, trace: Trace, policies: Sequence[str], progress: Progress) -> list[Run]:
    """Each policy on the same arrivals."""
    arrivals = draw_arrivals(trace, scenario.model, scenario.seed, scenario.scale)
    runs = []
    for name in policies:
        progress(trace.name, name, 0.0)
        simulation = Simulation(
            arrivals,
            POLICIES[name](scenario, arrivals),
            trace=trace.name,
            model=scenario.model,
            limits=scenario.limits,
        )

        def watch(done: int, minutes: int, name: str = name) -> None:
            if done % 60 == 0 or done == minutes:
                progress(trace.name, name, done / minutes)

        runs.append(simulation.run(watch))
    return runs
