"""AWS's own way: Application Auto Scaling's target tracking of provisioned concurrency utilization.

What it does is documented in part only; what is used here, with its sources:

- it follows ``ProvisionedConcurrencyUtilization``, statistic Average, in one-minute periods; its high alarm needs 3
  points of 3 above the target, its low alarm 15 of 15 (G. Mao, "Understanding Lambda Provisioned Concurrency
  AutoScaling", 2020) below 90 % of the target (a low alarm reported at 0.675 for a target of 0.75:
  neiman-marcus/serverless-provisioned-concurrency-autoscaling issue 37);
- a metric without data makes the alarm "insufficient data", and then nothing scales (Application Auto Scaling user
  guide, target tracking; same repository, issues 22 and 36);
- the cooldowns default to 0 s for Lambda (API reference, TargetTrackingScalingPolicyConfiguration);
- capacity changes in proportion to metric over target, rounded up so that the metric ends at or below the target.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from chalicelib.scaling.model import (
    Clamp,
    Observation,
    RuleOutcome,
    ScalingDecision,
    ScalingLimits,
    State,
    Wish,
    action_of,
)

UTILIZATION: Final = "provisioned_utilization"
"""Share (0 to 1) of the ready provisioned environments in use, mean over the invocations of a minute.

Lambda emits a sample with each invocation, which counts itself; so a minute without invocations has no point."""

HIGH_POINTS: Final = 3
LOW_POINTS: Final = 15
LOW_SHARE: Final = 0.9
ROUNDING: Final = 1e-9
"""Keeps 7 x 0.7 / 0.7 from being rounded up to 8."""


class TargetTracking:
    """Holds the mean utilization at a target, as AWS does."""

    name = "target-tracking"

    def __init__(self, limits: ScalingLimits, target: float = 0.7) -> None:
        if not 0.1 <= target <= 0.9:
            raise ValueError(f"the target utilization must be between 0.1 and 0.9, found {target}")
        self._limits, self._target = limits, target

    @classmethod
    def configured(cls, configuration: Mapping[str, Any]) -> "TargetTracking":
        """The policy with this ``configuration``. Raises KeyError, TypeError or ValueError for anything else."""
        limits = ScalingLimits(min=configuration["min"], max=configuration["max"])
        return cls(limits, configuration["target"])

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Target and bounds."""
        return {"target": self._target, "min": self._limits.min, "max": self._limits.max}

    def decide(self, state: State, observation: Observation, now: float) -> tuple[ScalingDecision, State]:
        """Looks at each new one-minute point once; holds when there is none. State: the last 15 minutes' means."""
        recent: list[float | None] = list(state or [])
        reading = observation.metrics.get(UTILIZATION)
        if reading is None:
            return self._hold(observation, now, None, "no new one-minute point"), recent
        fresh: list[float | None] = [point.value for point in reading.points]
        recent = [*recent, *(fresh or [None])][-LOW_POINTS:]
        latest = recent[-1]
        if latest is None:
            return self._hold(observation, now, None, f"insufficient data: {reading.missing}"), recent
        above = len(recent) >= HIGH_POINTS and all(_beyond(point, self._target, 1) for point in recent[-HIGH_POINTS:])
        below = len(recent) == LOW_POINTS and all(_beyond(point, self._target * LOW_SHARE, -1) for point in recent)
        if not above and not below:
            return self._hold(observation, now, latest, "no alarm: neither 3 of 3 above nor 15 of 15 below"), recent
        return self._move(observation, now, latest, "out" if above else "in"), recent

    def _hold(self, observation: Observation, now: float, value: float | None, why: str) -> ScalingDecision:
        return self._decision(
            observation, now, value, "abstain" if value is None else "hold", observation.requested, why
        )

    def _move(self, observation: Observation, now: float, value: float, wish: Wish) -> ScalingDecision:
        # The metric is a share of what was ready; what is being prepared already counts towards the answer.
        wanted = math.ceil(observation.ready * value / self._target - ROUNDING)
        shown = f"utilization {value:.0%} of {observation.ready} ready, target {self._target:.0%}"
        if wish == "out" and wanted <= observation.requested:
            return self._hold(observation, now, value, f"{shown}: {observation.requested} are already asked for")
        if wish == "in" and (wanted >= observation.requested or observation.ready < observation.requested):
            return self._hold(
                observation, now, value, f"{shown}: {wanted} would be no fewer, or more are being prepared"
            )
        return self._decision(observation, now, value, wish, wanted, f"{shown}: {wanted} would hold it")

    def _decision(
        self, observation: Observation, now: float, value: float | None, wish: Wish, wanted: int, reason: str
    ) -> ScalingDecision:
        desired = max(self._limits.min, min(self._limits.max, wanted))
        clamps: tuple[Clamp, ...] = ()
        if desired != wanted:
            bound = "min" if desired > wanted else "max"
            clamps = (Clamp(name=bound, before=wanted, after=desired, reason=f"{bound} is {desired}"),)
        outcome = RuleOutcome(rule=self.name, metric=UTILIZATION, value=value, wish=wish, desired=wanted, reason=reason)
        return ScalingDecision(
            policy=self.name,
            at=now,
            current=observation.requested,
            desired=desired,
            action=action_of(observation.requested, desired),
            reason=reason,
            outcomes=(outcome,),
            clamps=clamps,
        )


def _beyond(point: float | None, threshold: float, direction: int) -> bool:
    return point is not None and direction * (point - threshold) > 0
