"""The guide's figures as rule sets, one per tier: the same rules everywhere, the tier's bounds."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from chalicelib.scaling.rule_set import RuleSet, read_rule_set
from chalicelib.scaling.tiers import TIERS, Tier

GUIDE_RULES: Final[list[dict[str, Any]]] = [
    {
        "name": "cpu",
        "metric": "cpu_usage",
        "out_above": 70,
        "out_factor": 2,
        "in_factor": 0.8,
        "cooldown_seconds": 300,
    },
    {
        "name": "memory",
        "metric": "memory_usage",
        "out_above": 80,
        "out_factor": 2,
        "in_factor": 0.8,
        "cooldown_seconds": 300,
    },
    {
        "name": "request_rate",
        "metric": "request_rate",
        "out_above": 100,
        "out_factor": 2,
        "in_factor": 0.8,
        "cooldown_seconds": 60,
    },
    {
        "name": "battle_queue",
        "metric": "battle_queue_length",
        "out_above": 50,
        "out_factor": 3,
        "in_factor": 0.7,
        "cooldown_seconds": 120,
    },
]
"""The guide's table. ``in_below`` is left out: half of ``out_above``, as the guide has it."""

GUIDE_TARGETS: Final[list[dict[str, Any]]] = [
    {"name": "hpa_cpu", "metric": "cpu_usage", "kind": "utilization", "target": 70},
    {"name": "hpa_memory", "metric": "memory_usage", "kind": "utilization", "target": 80},
    {"name": "hpa_request_rate", "metric": "request_rate", "kind": "average_value", "target": 100},
]
"""The guide's Horizontal Pod Autoscaler."""

GUIDE_BEHAVIOR: Final[dict[str, Any]] = {
    "out": {"stabilization_seconds": 60, "policies": [{"kind": "percent", "value": 100, "period_seconds": 15}]},
    "in": {"stabilization_seconds": 300, "policies": [{"kind": "percent", "value": 10, "period_seconds": 60}]},
}


def guide_rule_set(tier: Tier) -> RuleSet:
    """Rules and targets together, as the guide has both."""
    return _rule_set("guide", tier, rules=GUIDE_RULES, targets=GUIDE_TARGETS)


def hpa_rule_set(tier: Tier) -> RuleSet:
    """The guide's Horizontal Pod Autoscaler alone."""
    return _rule_set("hpa", tier, rules=[], targets=GUIDE_TARGETS)


LAPTOP_REQUEST_RATE: Final = 4
"""Instead of the guide's 100: two cores that run the cloud as well serve about 25 requests a second in all."""
LAPTOP_HASTE: Final = 4
"""Cooldowns and the times of shrinking are divided by it: nobody watches a demonstration for an hour."""
_IN: Final[dict[str, Any]] = GUIDE_BEHAVIOR["in"]
_LAPTOP_BEHAVIOR: Final[dict[str, Any]] = {
    **GUIDE_BEHAVIOR,
    "in": {
        "stabilization_seconds": _IN["stabilization_seconds"] // LAPTOP_HASTE,
        "policies": [{**row, "period_seconds": row["period_seconds"] // LAPTOP_HASTE} for row in _IN["policies"]],
    },
}


def laptop_rule_set(tier: Tier) -> RuleSet:
    """The guide's with a request rate that a laptop reaches, and in some haste; growing is as in the guide."""
    rules = [{**row, "cooldown_seconds": row["cooldown_seconds"] // LAPTOP_HASTE} for row in GUIDE_RULES]
    return _rule_set(
        "laptop",
        tier,
        rules=[{**row, "out_above": LAPTOP_REQUEST_RATE} if _is_rate(row) else row for row in rules],
        targets=[{**row, "target": LAPTOP_REQUEST_RATE} if _is_rate(row) else row for row in GUIDE_TARGETS],
        behavior=_LAPTOP_BEHAVIOR,
    )


def _is_rate(row: dict[str, Any]) -> bool:
    return bool(row["metric"] == "request_rate")


def _rule_set(
    name: str,
    tier: Tier,
    *,
    rules: list[dict[str, Any]],
    targets: list[dict[str, Any]],
    behavior: dict[str, Any] = GUIDE_BEHAVIOR,
) -> RuleSet:
    limits = {"min": tier.min_instances, "max": tier.max_instances}
    return read_rule_set({"name": name, "limits": limits, "rules": rules, "targets": targets, "behavior": behavior})


RULE_SETS: Final[Mapping[str, RuleSet]] = MappingProxyType({name: guide_rule_set(tier) for name, tier in TIERS.items()})
"""The rule set of each tier by the tier's name, smallest first."""
