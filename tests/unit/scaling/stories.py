"""One decider told a story: what it sees at which second, what it must answer, and why."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.model import (
    BATTLE_QUEUE_LENGTH,
    CPU_USAGE,
    IN_USE,
    MEMORY_USAGE,
    REQUEST_RATE,
    Ceiling,
    Observation,
    Point,
    Reading,
    ScalingDecision,
    State,
    missing,
    reading,
)
from chalicelib.scaling.rule_set import RuleSet, read_rule_set

IDLE: Mapping[str, float] = {
    CPU_USAGE: 1.0,
    MEMORY_USAGE: 10.0,
    REQUEST_RATE: 0.0,
    BATTLE_QUEUE_LENGTH: 0.0,
    IN_USE: 0.0,
}
"""A region with nothing to do, as a source with evidence reports it."""

Seen = float | str | list[float]
"""A value, several samples, or why there is none."""


def rule_set(*rules: dict[str, Any], low: int = 1, high: int = 100, **more: Any) -> RuleSet:
    """A rule set of these rules; what a rule leaves out is the guide's CPU rule without a cooldown."""
    cpu = {"name": "cpu", "metric": CPU_USAGE, "out_above": 70, "out_factor": 2, "in_factor": 0.8}
    rows = [{**cpu, "cooldown_seconds": 0, **rule} for rule in rules]
    return read_rule_set({"name": "test", "limits": {"min": low, "max": high}, "rules": rows, **more})


def seen(values: Mapping[str, Seen], at: float = 0.0, instances: int | None = None) -> dict[str, Reading]:
    """Readings of these values."""
    return {name: _reading(name, value, at, instances) for name, value in values.items()}


def _reading(name: str, value: Seen, at: float, instances: int | None) -> Reading:
    if isinstance(value, str):
        return missing(value)
    whose = instances if name in (CPU_USAGE, MEMORY_USAGE, REQUEST_RATE) else None
    if isinstance(value, list):
        return Reading(points=tuple(Point(at, each) for each in value), instances=whose)
    return reading(value, at, instances=whose)


@dataclass
class Story:
    """A decider and the fleet it moves; its state goes through JSON between any two evaluations."""

    policy: GuidePolicy
    capacity: int
    state: State = None
    decisions: list[ScalingDecision] = field(default_factory=list)

    def at(
        self,
        second: float,
        values: Mapping[str, Seen],
        expected: int,
        why: str,
        *,
        ready: int | None = None,
        ceilings: tuple[Ceiling, ...] = (),
        applied: bool = True,
    ) -> ScalingDecision:
        """Decides at ``second``; what isn't said of a metric is idle. ``applied``: whether the actuator worked."""
        there = self.capacity if ready is None else ready
        observation = Observation(
            at=second,
            requested=self.capacity,
            ready=there,
            metrics=seen({**IDLE, **values}, second, there),
            ceilings=ceilings,
        )
        decision, state = self.policy.decide(self.state, observation, second)
        self.state = json.loads(json.dumps(state))
        self.decisions.append(decision)
        assert decision.desired == expected, f"at {second} s: {why}\n{decision.reason}"
        if applied:
            self.capacity = decision.desired
        return decision
