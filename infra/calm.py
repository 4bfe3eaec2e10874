"""No scaling rules are deployed that could move the number of environments up and down for ever."""

from collections.abc import Callable, Mapping

from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.policies import policy_for
from chalicelib.scaling.stability import Proof, check
from chalicelib.scaling.tiers import with_bounds
from infra.release import DeployError
from infra.template.parameters import SCALING_ENVIRONMENT
from infra.template.stage import StageSpec

_POLICY, _LEAST, _MOST = (
    SCALING_ENVIRONMENT[variable] for variable in ("ARENA_SCALING_POLICY", "ARENA_SCALING_MIN", "ARENA_SCALING_MAX")
)


def require_calm(
    stage: StageSpec, parameters: Mapping[str, str], log: Callable[[str], None] = lambda _line: None
) -> None:
    """Raises ``DeployError`` unless the policy and bounds among ``parameters`` make sense and are proved calm.

    A policy that is no rule set has no factors that could cycle; it is taken as it is. ``log`` is told of a proof
    within other bounds than the tier's, which takes minutes where they are wide.
    """
    if _POLICY not in parameters:
        return
    try:
        tier = with_bounds(stage.tier, int(parameters[_LEAST]) or None, int(parameters[_MOST]) or None)
    except ValueError as error:
        raise DeployError(f"{_LEAST}, {_MOST}: {error}; set both, or none") from error
    policy = policy_for(parameters[_POLICY], tier)
    if isinstance(policy, GuidePolicy) and tier != stage.tier:
        log(f"proving that scaling comes to rest within {tier.min_instances} to {tier.max_instances} environments")
    if isinstance(policy, GuidePolicy) and not isinstance(check(policy.rule_set), Proof):
        raise DeployError(
            f"{_POLICY} {policy.name} with {tier.min_instances} to {tier.max_instances} environments is not proved calm"
            "\nhint: ./arena scaling check shows the load under which it never comes to rest"
        )
