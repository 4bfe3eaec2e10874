"""Lets the scaling function move provisioned concurrency, and tells it whose."""

from typing import Final

from infra.template.auto_scaling import complete_auto_scaling
from infra.template.document import Json, role_of
from infra.template.functions import API_FUNCTION
from infra.template.parameters import SCALING_ENVIRONMENT
from infra.template.stage import ALIAS, StageSpec

SCALING_FUNCTION: Final = "Scaling"
"""Chalice's logical id of the scheduled function."""

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
    for function_id, statements in ((SCALING_FUNCTION, [_READ, _MOVE, _MEASURE]), (API_FUNCTION, [_READ, _MEASURE])):
        properties = resources[function_id]["Properties"]
        role_of(template, function_id, properties)["Properties"]["Policies"].append(
            {
                "PolicyName": f"{function_id}ScalingPolicy",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
            }
        )
        variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
        variables.update({variable: {"Ref": parameter} for variable, parameter in SCALING_ENVIRONMENT.items()})
    # The API's function knows its own name.
    resources[SCALING_FUNCTION]["Properties"]["Environment"]["Variables"]["ARENA_API_FUNCTION"] = {"Ref": API_FUNCTION}
    complete_auto_scaling(template, stage)
