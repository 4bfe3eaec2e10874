"""Policies by name, built from their configuration: what a decision log is replayed with."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.model import Policy, ScalingLimits
from chalicelib.scaling.predictive import Predictive
from chalicelib.scaling.rule_set import read_rule_set
from chalicelib.scaling.rule_sets import guide_rule_set, hpa_rule_set, laptop_rule_set
from chalicelib.scaling.target_tracking import TargetTracking
from chalicelib.scaling.tiers import Tier


class UnknownPolicy(Exception):
    """No policy has that name."""


KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Policy]]] = MappingProxyType(
    {
        Predictive.name: Predictive.configured,
        TargetTracking.name: TargetTracking.configured,
    }
)
"""Policies that aren't rule sets, by name, and how each is built from its configuration."""

BY_TIER: Final[Mapping[str, Callable[[Tier], Policy]]] = MappingProxyType(
    {
        "guide": lambda tier: GuidePolicy(guide_rule_set(tier)),
        "hpa": lambda tier: GuidePolicy(hpa_rule_set(tier)),
        "laptop": lambda tier: GuidePolicy(laptop_rule_set(tier)),
        Predictive.name: lambda tier: Predictive(ScalingLimits(min=tier.min_instances, max=tier.max_instances)),
    }
)
"""Policies an operator may choose, by name, and how each is built for a tier."""


def build_policy(name: str, configuration: Mapping[str, Any]) -> Policy:
    """The policy whose name and configuration these are. A rule set may have any name that isn't another kind's.

    Raises ``UnknownPolicy`` when it is neither, or what the kind raises for a wrong configuration.
    """
    if name in KINDS:
        return KINDS[name](configuration)
    if not {"rules", "targets"} & set(configuration):
        raise UnknownPolicy(f"{name!r} is no policy known here, and its configuration is no rule set")
    return GuidePolicy(read_rule_set(configuration))


def policy_for(name: str, tier: Tier) -> Policy:
    """The policy of that name with the tier's bounds. Raises ``UnknownPolicy``."""
    if name not in BY_TIER:
        raise UnknownPolicy(f"{name!r} is no policy; there are: {', '.join(BY_TIER)}")
    return BY_TIER[name](tier)
