"""Targets by the Horizontal Pod Autoscaler's published algorithm; a pod is an environment here.

    desired = ceil(ready x value / target), no change while value / target is within 1 ± tolerance

Source: kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale, "Algorithm details", and the replica
calculator in pkg/controller/podautoscaler where the page is silent. Environments whose value is not known are judged
against us in both directions: busy when that would scale in, idle when that would scale out; those still being
prepared count as idle when scaling out. If that turns the direction round, or leaves too small a change, nothing
changes. Environments beyond the provisioned ones that report count as pods too. Of several targets the highest count
wins, and with one of them unreadable nothing scales in; arbitration does that for targets and rules alike.
"""

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from chalicelib.scaling.configuration import Section
from chalicelib.scaling.model import Observation, RuleOutcome, Statistic, Wish, action_of
from chalicelib.scaling.rules import METRIC_KINDS, NOISE, STATISTICS

TargetKind = Literal["utilization", "average_value"]

TOLERANCE: Final = 0.1
"""Kubernetes' default: a tenth more or less than the target changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A mean over environments that is to be kept near a value."""

    name: str
    metric: str
    """A metric of kind ``mean``."""
    kind: TargetKind
    """``utilization`` = per cent of what an environment has; ``average_value`` = a plain number."""
    target: float
    """In the metric's unit, above 0."""
    tolerance: float = TOLERANCE
    """Share of the target, from 0 to below 1."""
    statistic: Statistic = "maximum"

    @property
    def assumed_when_silent(self) -> float:
        """What an environment that says nothing is taken to use when scaling in: all it has, or the target."""
        return max(100.0, self.target) if self.kind == "utilization" else self.target


def read_target(section: Section) -> Target:
    """The target in ``section``; problems are noted there."""
    means = tuple(name for name, kind in METRIC_KINDS.items() if kind == "mean")
    target = Target(
        name=section.text("name"),
        metric=section.choice("metric", means),
        kind=cast(TargetKind, section.choice("kind", ("utilization", "average_value"))),
        target=section.number("target", 0, 1e9, exclusive=True),
        tolerance=section.number("tolerance", 0, 0.99, TOLERANCE),
        statistic=cast(Statistic, section.choice("statistic", STATISTICS, "maximum")),
    )
    section.end()
    return target


def target_data(target: Target) -> dict[str, Any]:
    """What ``read_target`` reads."""
    return {name: getattr(target, name) for name in Target.__dataclass_fields__}


def judge_target(target: Target, observation: Observation) -> RuleOutcome:
    """What ``target`` wants."""
    current = observation.requested
    seen = observation.read(target.metric)
    value = seen.value(target.statistic)

    def outcome(wish: Wish, desired: int, reason: str) -> RuleOutcome:
        return RuleOutcome(
            rule=target.name,
            metric=target.metric,
            value=value,
            wish=wish,
            desired=desired,
            reason=f"{target.metric} {reason}",
        )

    reporting = observation.ready if seen.instances is None else seen.instances
    if value is None or reporting == 0:
        return outcome("abstain", current, f"is missing: {seen.missing or 'no ready environment reports it'}")
    desired, how = _replicas(target, value, reporting, observation)
    if desired == current:
        return outcome("hold", current, how)
    wish: Wish = action_of(current, desired)
    return outcome(wish, desired, how)


def _replicas(target: Target, value: float, reporting: int, observation: Observation) -> tuple[int, str]:
    """The count wanted and how it comes about."""
    current, ready = observation.requested, observation.ready
    silent = max(0, ready - reporting)
    preparing = max(0, current - ready)
    ratio = value / target.target
    said = f"{value:g} against a target of {target.target:g}"
    counted, total = reporting, value * reporting
    if ratio < 1 and silent:
        counted += silent
        total += target.assumed_when_silent * silent
        said += f", {silent} silent ones taken as busy"
    elif ratio > 1 and silent + preparing:
        counted += silent + preparing
        said += f", {silent + preparing} silent or unready ones taken as idle"
    judged = total / counted / target.target
    if abs(1 - judged) <= target.tolerance + NOISE:
        return current, f"{said}: within the tolerance of {target.tolerance:g}"
    if (ratio - 1) * (judged - 1) < 0:
        return current, f"{said}: that would turn the direction round"
    desired = math.ceil(total / target.target - NOISE)
    if (judged < 1 and desired > current) or (judged > 1 and desired < current):
        return current, f"{said}: {desired} would go the other way than the usage"
    return desired, f"{said}: ceil({total:g} / {target.target:g}) = {desired}"
