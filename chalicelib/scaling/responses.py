"""What a rule set would do at every capacity, for every constant load: finitely many tables.

A constant load enters a decision only through comparisons of ``sum / capacity`` with thresholds, and through the
HPA's rounding. For each capacity that gives finitely many critical sums; between two neighbouring critical sums of all
capacities nothing changes, so one sum in between stands for all, and each critical sum stands for itself. A backlog
enters through the number of environments that keep up with it, which is whole. The tables are filled by running the
real judges, arbitration and bounds.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.scaling.arbitration import arbitrate, bounds, keep_in_use, keep_within
from chalicelib.scaling.behavior import rate_limit
from chalicelib.scaling.constant_load import ConstantLoad
from chalicelib.scaling.guide import judge
from chalicelib.scaling.model import Clamp
from chalicelib.scaling.rule_set import RuleSet
from chalicelib.scaling.rules import METRIC_KINDS


@dataclass(frozen=True, slots=True)
class Response:
    """What one metric alone asks for under one class of loads, for each capacity from the minimum to the maximum."""

    metric: str
    load: ConstantLoad
    """One load of the class."""
    interval: tuple[float, float]
    """The class: sums strictly between the two, or exactly the one if they are equal; environments, of a backlog."""
    first: int
    """The stage's minimum: the capacity of ``desired[0]``."""
    desired: tuple[int, ...]
    """How far the capacity may go in one evaluation, whatever happened before."""

    @property
    def outs(self) -> int:
        """The lowest capacity that it does not scale out from."""
        return self.first + sum(1 for place, desired in enumerate(self.desired) if desired > self.first + place)


def metrics_of(rule_set: RuleSet) -> tuple[str, ...]:
    """The metrics that rules or targets look at, each once, in order."""
    names = [rule.metric for rule in rule_set.rules] + [target.metric for target in rule_set.targets]
    return tuple(dict.fromkeys(names))


def responses(rule_set: RuleSet, metric: str) -> Iterator[Response]:
    """Every response of ``metric`` that differs from the one before, by growing load."""
    alone = replace(
        rule_set,
        rules=tuple(rule for rule in rule_set.rules if rule.metric == metric),
        targets=tuple(target for target in rule_set.targets if target.metric == metric),
    )
    previous: tuple[int, ...] | None = None
    within = bounds(rule_set.limits, ())
    for interval, load in _loads(alone, metric):
        desired = tuple(_furthest(alone, load, capacity, within) for capacity in _capacities(rule_set))
        if desired != previous:
            yield Response(metric, load, interval, rule_set.limits.min, desired)
        previous = desired


def _capacities(rule_set: RuleSet) -> range:
    return range(rule_set.limits.min, rule_set.limits.max + 1)


def _furthest(rule_set: RuleSet, load: ConstantLoad, capacity: int, within: tuple[Clamp, Clamp]) -> int:
    """Where the decision lies without a past. No past brings it further from ``capacity``.

    The rate policies hold whatever the past only if the window of the same direction is at least as long as their
    period: else a change the other way within the period would widen them.
    """
    observation = load.observe(capacity, 0.0)
    wish = arbitrate(judge(rule_set, observation), capacity)
    wanted, _ = keep_in_use(wish.desired, observation)
    way = rule_set.behavior.out if wanted > capacity else rule_set.behavior.in_
    if way.stabilization_seconds >= way.longest_period_seconds or way.select == "disabled":
        wanted = rate_limit(rule_set.behavior, capacity, wanted, (), 0.0)
    return keep_within(wanted, *within)[0]


def _loads(rule_set: RuleSet, metric: str) -> Iterator[tuple[tuple[float, float], ConstantLoad]]:
    if METRIC_KINDS[metric] == "backlog":
        for needed in range(rule_set.limits.max + 2):
            yield (float(needed), float(needed)), ConstantLoad(needed={metric: needed})
        return
    critical = sorted(_critical_sums(rule_set))
    yield (0.0, 0.0), ConstantLoad({metric: 0.0})
    for low, high in zip([0.0, *critical], [*critical, math.inf], strict=True):
        inside = low * 2 if high == math.inf else (low + high) / 2
        yield (low, high), ConstantLoad({metric: inside})
        if high < math.inf:
            yield (high, high), ConstantLoad({metric: high})


def _critical_sums(rule_set: RuleSet) -> set[float]:
    found = set()
    for capacity in _capacities(rule_set):
        for rule in rule_set.rules:
            found |= {capacity * rule.out_above, capacity * rule.in_below}
        for target in rule_set.targets:
            for share in (1 - target.tolerance, 1 + target.tolerance):
                found.add(capacity * target.target * share)
    for target in rule_set.targets:
        found |= {count * target.target for count in range(1, rule_set.limits.max + 1)}
    return _apart(found - {0.0})


def _apart(numbers: set[float]) -> set[float]:
    """Without those that differ from another by rounding only: no real load fits between them."""
    kept: list[float] = []
    for number in sorted(numbers):
        if not kept or number - kept[-1] > 1e-9 * number:
            kept.append(number)
    return set(kept)
