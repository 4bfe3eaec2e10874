"""The guide's rules: above a threshold multiply the capacity, below half of it divide it, between hold.

The guide says no more than that. What we add, each for a reason that docs/scaling.md gives at length:

- A factor applies to the capacity that was measured (``ready``), so a rule does not multiply again while
  environments asked for are still being prepared.
- Out rounds up and in rounds down, each by at least one environment, so a factor never gets stuck on a small number.
- A cooldown belongs to one rule. It starts when a decision the rule wanted was carried out, counted from the
  decision. After going out the rule neither repeats nor takes back; after going in it does not go in again, but may
  go out at once: being late to shrink costs money, being late to grow costs players.
- A rule without data abstains. Abstaining, like holding, is no consent to scale in.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from chalicelib.scaling.configuration import Section
from chalicelib.scaling.model import (
    BATTLE_QUEUE_LENGTH,
    CPU_USAGE,
    MEMORY_USAGE,
    REQUEST_RATE,
    Observation,
    RuleOutcome,
    Statistic,
    Wish,
)

MetricKind = Literal["mean", "backlog"]

METRIC_KINDS: Final[Mapping[str, MetricKind]] = MappingProxyType(
    {CPU_USAGE: "mean", MEMORY_USAGE: "mean", REQUEST_RATE: "mean", BATTLE_QUEUE_LENGTH: "backlog"}
)
"""How each metric answers to capacity: a mean over environments falls as they become more; a backlog of the region
grows while they are too few and drains when they are enough."""

STATISTICS: Final = ("maximum", "average")
NOISE: Final = 1e-9
"""Shaved off before rounding, so that 3.0000000000000004 environments are three."""

FACTOR_MAX: Final = 10.0
COOLDOWN_SECONDS_MAX: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the guide's table."""

    name: str
    metric: str
    """A key of ``METRIC_KINDS``."""
    out_above: float
    """Scale out when the metric is above this, in its unit; above 0."""
    in_below: float
    """Scale in when it is below this; below ``out_above``. The guide's rule: half of it."""
    out_factor: float
    """Capacity is multiplied by this, above 1."""
    in_factor: float
    """Capacity is multiplied by this, between 0 and 1."""
    cooldown_seconds: int
    """0 = none."""
    statistic: Statistic = "maximum"
    """Which number of the samples since the last evaluation is compared; an average hides bursts."""


@dataclass(frozen=True, slots=True)
class LastAction:
    """What a rule last brought about."""

    action: Literal["out", "in"]
    at: float
    """When it was decided, seconds since the epoch."""


def read_rule(section: Section) -> Rule:
    """The rule in ``section``; problems are noted there."""
    out_above = section.number("out_above", 0, 1e9, exclusive=True)
    in_below = section.number("in_below", 0, 1e9, out_above / 2)
    if 0 < out_above <= in_below:
        section.problem("in_below", f"{in_below:g}", f"below out_above, which is {out_above:g}")
    rule = Rule(
        name=section.text("name"),
        metric=section.choice("metric", tuple(METRIC_KINDS)),
        out_above=out_above,
        in_below=in_below,
        out_factor=section.number("out_factor", 1, FACTOR_MAX, exclusive=True),
        in_factor=section.number("in_factor", 0, 1, exclusive=True),
        cooldown_seconds=section.whole("cooldown_seconds", 0, COOLDOWN_SECONDS_MAX),
        statistic=cast(Statistic, section.choice("statistic", STATISTICS, "maximum")),
    )
    section.end()
    return rule


def rule_data(rule: Rule) -> dict[str, Any]:
    """What ``read_rule`` reads."""
    return {name: getattr(rule, name) for name in Rule.__dataclass_fields__}


def judge_rule(rule: Rule, observation: Observation) -> RuleOutcome:
    """What ``rule`` wants, cooldown or not."""
    current = observation.requested
    seen = observation.read(rule.metric)
    value = seen.value(rule.statistic)

    def outcome(wish: Wish, desired: int, reason: str) -> RuleOutcome:
        return RuleOutcome(
            rule=rule.name,
            metric=rule.metric,
            value=value,
            wish=wish,
            desired=desired,
            reason=f"{rule.metric} {reason}",
        )

    if value is None:
        return outcome("abstain", current, f"is missing: {seen.missing}")
    shown = f"{value:g}"
    if rule.in_below <= value <= rule.out_above:
        return outcome("hold", current, f"{shown} is between {rule.in_below:g} and {rule.out_above:g}")
    out = value > rule.out_above
    finding = f"{shown} is above {rule.out_above:g}" if out else f"{shown} is below {rule.in_below:g}"
    if out:
        measured = max(observation.ready, 1)
        desired = max(measured + 1, math.ceil(measured * rule.out_factor - NOISE))
        if desired <= current:
            return outcome("hold", current, f"{finding}, but {current} of at least {desired} are on their way")
        return outcome("out", desired, f"{finding}: {measured} x {rule.out_factor:g} = {desired}")
    measured = max(observation.ready, current)
    desired = max(1, min(measured - 1, math.floor(measured * rule.in_factor + NOISE)))
    if desired >= current:
        return outcome("hold", current, f"{finding}, but no fewer than {current} are asked for already")
    return outcome("in", desired, f"{finding}: {measured} x {rule.in_factor:g} = {desired}")


def cools_for(rule: Rule, wish: Wish, last: LastAction | None, now: float) -> float:
    """Seconds for which ``rule`` may not have its ``wish`` yet; 0 = it may. ``last`` is what it last brought about."""
    if last is None or wish not in ("out", "in") or (wish == "out" and last.action == "in"):
        return 0.0
    return max(0.0, rule.cooldown_seconds - (now - last.at))
