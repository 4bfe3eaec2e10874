"""Fault: CloudFormation updates an AWS::IAM::Role by deleting it and making another of another name, which nothing that
named it refers to, and never puts a changed inline policy.

Now: the role stays, and its policies become those of the template.
"""

import json
from collections.abc import Callable
from typing import Any

from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent
from localstack.services.iam.resource_providers.aws_iam_role import IAMRoleProvider

from arena_lambda.patches.replacing import replace

_KEPT = ("RoleName", "Arn", "RoleId")


def apply() -> None:
    """Give the provider an update in place."""
    replace(IAMRoleProvider, "update", _build)


def _build(_: Callable[..., Any]) -> Callable[..., Any]:
    def update(_provider: IAMRoleProvider, request: Any) -> ProgressEvent[Any]:
        model, iam = request.desired_state, request.aws_client_factory.iam
        model.update({name: request.previous_state[name] for name in _KEPT})
        named = {"RoleName": model["RoleName"]}
        iam.update_assume_role_policy(**named, PolicyDocument=json.dumps(model["AssumeRolePolicyDocument"]))
        attached = {found["PolicyArn"] for found in iam.list_attached_role_policies(**named)["AttachedPolicies"]}
        wanted = set(model.get("ManagedPolicyArns") or ())
        for arn in attached - wanted:
            iam.detach_role_policy(**named, PolicyArn=arn)
        for arn in wanted - attached:
            iam.attach_role_policy(**named, PolicyArn=arn)
        inline = {policy["PolicyName"]: policy["PolicyDocument"] for policy in model.get("Policies") or ()}
        for name in set(iam.list_role_policies(**named)["PolicyNames"]) - inline.keys():
            iam.delete_role_policy(**named, PolicyName=name)
        for name, document in inline.items():
            iam.put_role_policy(**named, PolicyName=name, PolicyDocument=json.dumps(document))
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    return update
