"""Lets Secrets Manager rotate the arena's secret where that is wanted: in the first region, which tells the others."""

from typing import Final

from infra.template.document import Json, add_resource, role_of
from infra.template.functions import alias_logical_id
from infra.template.parameters import REGIONS, SECRET_ID
from infra.template.stage import ALIAS

FUNCTION: Final = "SecretRotation"
"""Chalice's logical id."""
DAYS: Final = "SecretRotationDays"
ROTATED: Final = "SecretIsRotated"
DAYS_MAX: Final = 1_000


def complete_rotation(template: Json) -> None:
    """Completes the function of ``template`` in place, if there is one."""
    if FUNCTION not in template["Resources"]:
        return
    template["Parameters"][DAYS] = {
        "Type": "Number",
        "Default": 0,
        "MinValue": 0,
        "MaxValue": DAYS_MAX,
        "Description": "Days after which the arena's own keys are rotated; in the first region only. 0 = never.",
    }
    template.setdefault("Conditions", {})[ROTATED] = {"Fn::Not": [{"Fn::Equals": [{"Ref": DAYS}, 0]}]}
    properties = template["Resources"][FUNCTION]["Properties"]
    role_of(template, FUNCTION, properties)["Properties"]["Policies"].append(
        {"PolicyName": "Rotate", "PolicyDocument": {"Version": "2012-10-17", "Statement": _statements()}}
    )
    add_resource(template, "SecretRotationPermission", _permission())
    add_resource(template, "SecretRotationSchedule", _schedule())


def _statements() -> list[Json]:
    arn = "arn:${AWS::Partition}:secretsmanager:%s:${AWS::AccountId}:secret:${SecretId}-??????"
    return [
        {
            "Effect": "Allow",
            "Action": [
                "secretsmanager:DescribeSecret",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            "Resource": {"Fn::Sub": arn % "${AWS::Region}"},
        },
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
            "Resource": {"Fn::Sub": arn % "*"},
            "Condition": {"StringEquals": {"aws:RequestedRegion": {"Fn::Split": [",", {"Ref": REGIONS}]}}},
        },
    ]


def _permission() -> Json:
    return {
        "Type": "AWS::Lambda::Permission",
        "Condition": ROTATED,
        "DependsOn": [alias_logical_id(FUNCTION)],
        "Properties": {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Fn::Sub": f"${{{FUNCTION}}}:{ALIAS}"},
            "Principal": "secretsmanager.amazonaws.com",
            "SourceAccount": {"Ref": "AWS::AccountId"},
        },
    }


def _schedule() -> Json:
    function = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
    return {
        "Type": "AWS::SecretsManager::RotationSchedule",
        "Condition": ROTATED,
        "DependsOn": ["SecretRotationPermission"],
        "Properties": {
            "SecretId": {"Ref": SECRET_ID},
            "RotationLambdaARN": {"Fn::Sub": f"{function}${{{FUNCTION}}}:{ALIAS}"},
            "RotationRules": {"AutomaticallyAfterDays": {"Ref": DAYS}},
            "RotateImmediatelyOnUpdate": False,
        },
    }
