"""How fast a wish may become a change: the HPA's ``behavior``, after its published algorithm.

Source: kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale, "Configurable scaling behavior", and
``stabilizeRecommendationWithBehaviors``, ``calculateScaleUpLimitWithScalingRules`` and
``calculateScaleDownLimitWithBehaviors`` of pkg/controller/podautoscaler/horizontal.go.

Stabilization is often misread as a pause. It is two envelopes over what was recommended: the lowest recommendation of
the last ``out`` window and the highest of the last ``in`` window, this one included in both. The capacity is moved
into that band, no further. So one low recommendation delays growing, one high recommendation delays shrinking, and
recommendations that never agree change nothing.

A policy bounds the change within a period, counted from the capacity at the period's start, which is found from the
changes made since. Growing rounds up (else a small fleet would never grow), shrinking cuts the fraction off (else it
would never shrink). Events exactly as old as the window or period no longer count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from chalicelib.scaling.configuration import Section

Select = Literal["max", "min", "disabled"]
SELECTS: Final = ("max", "min", "disabled")
WINDOW_SECONDS_MAX: Final = 3_600
PERIOD_SECONDS_MAX: Final = 1_800
"""Kubernetes' own bounds."""


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """So much in a period."""

    kind: Literal["percent", "environments"]
    value: int
    """Above 0."""
    period_seconds: int

    def bound(self, direction: Literal["out", "in"], start: int) -> int:
        """How far a fleet that was ``start`` at the period's start may go."""
        if self.kind == "environments":
            return start + self.value if direction == "out" else start - self.value
        if direction == "out":
            return -(-start * (100 + self.value) // 100)
        return max(0, start * (100 - self.value)) // 100


@dataclass(frozen=True, slots=True)
class Direction:
    """The behaviour in one direction."""

    stabilization_seconds: int = 0
    policies: tuple[RatePolicy, ...] = ()
    """Empty = as far as one likes."""
    select: Select = "max"
    """Which policy counts: ``max`` = the one that allows the greatest change. ``disabled`` = never this way."""

    @property
    def longest_period_seconds(self) -> int:
        """How long changes must be remembered."""
        return max((policy.period_seconds for policy in self.policies), default=0)


@dataclass(frozen=True, slots=True)
class Behavior:
    """Both directions."""

    out: Direction = Direction()
    in_: Direction = Direction()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What was wanted once, before any behaviour."""

    at: float
    desired: int


@dataclass(frozen=True, slots=True)
class Change:
    """What was carried out once."""

    at: float
    before: int
    after: int


def stabilize(
    behavior: Behavior, current: int, desired: int, recommendations: Sequence[Recommendation], now: float
) -> int:
    """``current`` moved into the band between the two windows' envelopes; lies between it and ``desired``."""
    lowest = highest = desired
    for past in recommendations:
        if now - past.at < behavior.out.stabilization_seconds:
            lowest = min(lowest, past.desired)
        if now - past.at < behavior.in_.stabilization_seconds:
            highest = max(highest, past.desired)
    return min(max(current, lowest), highest)


def rate_limit(behavior: Behavior, current: int, desired: int, changes: Sequence[Change], now: float) -> int:
    """``desired`` as far as the policies let it go from ``current``; lies between the two."""
    if desired > current:
        return min(desired, max(current, _bound(behavior.out, "out", current, desired, changes, now)))
    if desired < current:
        return max(desired, min(current, _bound(behavior.in_, "in", current, desired, changes, now)))
    return desired


def _bound(
    direction: Direction,
    way: Literal["out", "in"],
    current: int,
    desired: int,
    changes: Sequence[Change],
    now: float,
) -> int:
    if direction.select == "disabled":
        return current
    if not direction.policies:
        return desired
    bounds = []
    for policy in direction.policies:
        since = sum(change.after - change.before for change in changes if now - change.at < policy.period_seconds)
        bounds.append(policy.bound(way, current - since))
    furthest = (direction.select == "max") == (way == "out")
    return max(bounds) if furthest else min(bounds)


def read_behavior(section: Section) -> Behavior:
    """The behaviour in ``section`` (keys ``out`` and ``in``); problems are noted there."""
    behavior = Behavior(_read_direction(section.section("out")), _read_direction(section.section("in")))
    section.end()
    return behavior


def _read_direction(section: Section) -> Direction:
    policies = []
    for row in section.sections("policies"):
        kind = cast(Literal["percent", "environments"], row.choice("kind", ("percent", "environments")))
        value = row.whole("value", 1, 10_000)
        policies.append(RatePolicy(kind, value, row.whole("period_seconds", 1, PERIOD_SECONDS_MAX)))
        row.end()
    window = section.whole("stabilization_seconds", 0, WINDOW_SECONDS_MAX, 0)
    select = cast(Select, section.choice("select", SELECTS, "max"))
    section.end()
    return Direction(window, tuple(policies), select)


def behavior_data(behavior: Behavior) -> dict[str, Any]:
    """What ``read_behavior`` reads."""
    return {"out": _direction_data(behavior.out), "in": _direction_data(behavior.in_)}


def _direction_data(direction: Direction) -> dict[str, Any]:
    return {
        "stabilization_seconds": direction.stabilization_seconds,
        "policies": [
            {"kind": policy.kind, "value": policy.value, "period_seconds": policy.period_seconds}
            for policy in direction.policies
        ],
        "select": direction.select,
    }
