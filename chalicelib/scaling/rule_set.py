"""A rule set: all that the guide's controller is told, as data.

Canonical JSON of it is its identity; the digest names it in logs.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.scaling.behavior import Behavior, behavior_data, read_behavior
from chalicelib.scaling.configuration import RuleSetError, Section
from chalicelib.scaling.hpa import Target, read_target, target_data
from chalicelib.scaling.model import ScalingLimits
from chalicelib.scaling.rules import Rule, read_rule, rule_data

CAPACITY_MAX: Final = 1_000
"""Most environments a rule set may ask for: an account's default concurrency in one region."""

DIGEST_CHARACTERS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Rules, targets, behaviour and bounds of one stage."""

    name: str
    """Names the policy in decisions, e.g. ``guide``."""
    limits: ScalingLimits
    rules: tuple[Rule, ...] = ()
    targets: tuple[Target, ...] = ()
    behavior: Behavior = field(default_factory=Behavior)

    @property
    def cooldown_seconds(self) -> Mapping[str, int]:
        """Each rule's cooldown."""
        return {rule.name: rule.cooldown_seconds for rule in self.rules}


def canonical(value: Any) -> str:
    """JSON with one spelling for one value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """A short name for a JSON value: equal exactly where it is (SHA-256 over canonical JSON, cut)."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:DIGEST_CHARACTERS]


def read_rule_set(data: Any) -> RuleSet:
    """The rule set in ``data`` (decoded JSON). Raises ``RuleSetError`` with every problem."""
    problems: list[str] = []
    root = Section(data, "", problems)
    name = root.text("name")
    bounds = root.section("limits")
    low = bounds.whole("min", 1, CAPACITY_MAX)
    high = bounds.whole("max", 1, CAPACITY_MAX)
    if high < low:
        bounds.problem("max", str(high), f"at least limits.min, which is {low}")
    bounds.end()
    rules = tuple(read_rule(row) for row in root.sections("rules"))
    targets = tuple(read_target(row) for row in root.sections("targets"))
    behavior = read_behavior(root.section("behavior"))
    if not rules and not targets:
        root.problem("rules", "neither rules nor targets", "write at least one, or nothing is ever decided")
    named = [rule.name for rule in rules] + [target.name for target in targets]
    for repeated in sorted({row for row in named if row and named.count(row) > 1}):
        root.problem("rules and targets", f"two are named {repeated!r}", "give each a name of its own")
    root.end()
    if problems:
        raise RuleSetError(problems)
    return RuleSet(name=name, limits=ScalingLimits(min=low, max=high), rules=rules, targets=targets, behavior=behavior)


def rule_set_data(rule_set: RuleSet) -> dict[str, Any]:
    """What ``read_rule_set`` reads; every default written out."""
    return {
        "name": rule_set.name,
        "limits": {"min": rule_set.limits.min, "max": rule_set.limits.max},
        "rules": [rule_data(rule) for rule in rule_set.rules],
        "targets": [target_data(target) for target in rule_set.targets],
        "behavior": behavior_data(rule_set.behavior),
    }
