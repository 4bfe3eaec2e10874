"""Lets the scaling function move provisioned concurrency of the API's own function, and tells who asks whose it is."""

from typing import Any, Final

from infra.template.auto_scaling import complete_auto_scaling
from infra.template.document import Json, role_of
from infra.template.functions import API_FUNCTION
from infra.template.parameters import SCALING_ENVIRONMENT
from infra.template.routes import entitled, separate_functions
from infra.template.stage import ALIAS, StageSpec

SCALING_FUNCTION: Final = "Scaling"
"""Chalice's logical id of the scheduled function."""

ROUTES: Final = "/api/ops/scaling"
"""What operators look at scaling by."""
SEPARATE_ENVIRONMENTS: Final = "ARENA_SEPARATE_ENVIRONMENTS"

_ALIAS_ARN: Final = {
    # By name: a role that named the function itself would wait for the function that waits for its role.
    "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
    f"${{AWS::StackName}}-{API_FUNCTION}-*:{ALIAS}"
}
_READ: Final = {"Effect": "Allow", "Action": ["lambda:GetProvisionedConcurrencyConfig"], "Resource": _ALIAS_ARN}
_MOVE: Final = {"Effect": "Allow", "Action": ["lambda:PutProvisionedConcurrencyConfig"], "Resource": _ALIAS_ARN}
# Neither action knows resources.
_MEASURE: Final = {
    "Effect": "Allow",
    "Action": ["lambda:GetAccountSettings", "cloudwatch:GetMetricData"],
    "Resource": "*",
}


def complete_scaling(template: Json, stage: StageSpec) -> None:
    """Completes the scaling function of ``template`` in place, if there is one, and the API that shows what it does."""
    resources = template["Resources"]
    if SCALING_FUNCTION not in resources:
        return
    told: dict[str, Any] = {variable: {"Ref": parameter} for variable, parameter in SCALING_ENVIRONMENT.items()}
    separate = separate_functions(template)
    if separate:
        # One that keeps none warm has one while it serves.
        told[SEPARATE_ENVIRONMENTS] = str(sum(max(kept, 1) for kept in separate.values()))
    for function_id in (SCALING_FUNCTION, API_FUNCTION, *separate):
        variables = resources[function_id]["Properties"].setdefault("Environment", {}).setdefault("Variables", {})
        variables.update(told)
        # The API's own function knows its name.
        if function_id != API_FUNCTION:
            variables["ARENA_API_FUNCTION"] = {"Ref": API_FUNCTION}
    for function_id in (SCALING_FUNCTION, *entitled(template, ROUTES)):
        statements = [_READ, _MOVE, _MEASURE] if function_id == SCALING_FUNCTION else [_READ, _MEASURE]
        role_of(template, function_id, resources[function_id]["Properties"])["Properties"]["Policies"].append(
            {
                "PolicyName": f"{function_id}ScalingPolicy",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
            }
        )
    complete_auto_scaling(template, stage)
