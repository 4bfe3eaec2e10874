"""Completes the functions: versions behind alias ``live``, warm environments, environment, logs, partial batches."""

from typing import Final

from infra.template.document import (
    FUNCTION_TYPE,
    PERMISSION_TYPE,
    Json,
    TemplateError,
    add_dependency,
    add_resource,
    resources_of_type,
    role_of,
)
from infra.template.parameters import PROVISIONED_CONCURRENCY, RELEASE_HASH, function_environment
from infra.template.stage import ALIAS, StageSpec

API_FUNCTION: Final = "APIHandler"
"""Chalice's logical id of the function behind the REST API."""


def alias_logical_id(function_id: str) -> str:
    """The logical id the SAM transform gives to the alias of a function."""
    return f"{function_id}Alias{ALIAS}"


def complete_functions(template: Json, stage: StageSpec) -> None:
    """Completes every function of ``template`` in place."""
    for function_id, function in list(resources_of_type(template, FUNCTION_TYPE)):
        properties = function["Properties"]
        _publish_to_alias(properties)
        if function_id == API_FUNCTION:
            properties["ProvisionedConcurrencyConfig"] = {
                "ProvisionedConcurrentExecutions": {"Ref": PROVISIONED_CONCURRENCY}
            }
        variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
        variables.update(function_environment())
        _log_to_own_group(template, function_id, properties, stage)
        _complete_queue_sources(template, function_id, properties)
    _permit_alias_only(template)


def _publish_to_alias(properties: Json) -> None:
    properties["AutoPublishAlias"] = ALIAS
    # Left to itself the transform publishes a version when the code's location changes, not when the value
    # of a parameter behind an environment variable does: the alias would keep serving the old value.
    properties["AutoPublishCodeSha256"] = {"Ref": RELEASE_HASH}


def _log_to_own_group(template: Json, function_id: str, properties: Json, stage: StageSpec) -> None:
    # A group of the stack's, so that it exists before the first environment starts: functions may not create
    # groups, and a group that Lambda creates never expires. CloudFormation names it: with a fixed name, one
    # left behind by a deployment that failed would stop the next.
    group_id = f"{function_id}Logs"
    group = {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {"RetentionInDays": stage.tier.log_retention_days},
    }
    add_resource(template, group_id, group)
    properties["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": {"Ref": group_id}}


def _complete_queue_sources(template: Json, function_id: str, properties: Json) -> None:
    for event_id, event in properties.get("Events", {}).items():
        if event["Type"] != "SQS":
            continue
        event["Properties"]["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        # The mapping reads the queue with the function's own role; the shared policy knows no queue.
        role_of(template, function_id, properties)["Properties"]["Policies"].append(
            {
                "PolicyName": f"{event_id}Policy",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                            "Resource": event["Properties"]["Queue"],
                        }
                    ],
                },
            }
        )


def _permit_alias_only(template: Json) -> None:
    """Moves every invoke permission from the bare function to its alias: nothing may call around the alias."""
    functions = {function_id for function_id, _ in resources_of_type(template, FUNCTION_TYPE)}
    for permission_id, permission in resources_of_type(template, PERMISSION_TYPE):
        function_id = _function_of(permission)
        if function_id not in functions:
            raise TemplateError(f"permission {permission_id} names no function of this template")
        permission["Properties"]["FunctionName"] = {"Fn::Sub": f"${{{function_id}}}:{ALIAS}"}
        add_dependency(permission, alias_logical_id(function_id))


def _function_of(permission: Json) -> str:
    name = permission["Properties"]["FunctionName"]
    if isinstance(name, dict) and "Ref" in name:
        return str(name["Ref"])
    if isinstance(name, dict) and "Fn::GetAtt" in name:
        return str(name["Fn::GetAtt"][0])
    return ""
