"""Lets the publisher send to the other regions' queues, and the receiver say when a message comes again."""

from typing import Any, Final

from infra.template.document import Json, role_of
from infra.template.parameters import REGIONS
from infra.template.queues import REPLICATION

QUEUE_NAME: Final = "ARENA_REPLICATION_QUEUE"
PUBLISHERS: Final = ("OutboxPublisher", "OutboxSweep")
RECEIVER: Final = "ReplicationReceiver"

_SEND: Final[dict[str, Any]] = {
    "Effect": "Allow",
    "Action": ["sqs:GetQueueUrl", "sqs:SendMessage"],
    "Resource": {
        "Fn::Sub": f"arn:${{AWS::Partition}}:sqs:*:${{AWS::AccountId}}:${{AWS::StackName}}-{REPLICATION.shared_name}"
    },
    "Condition": {
        "StringEquals": {"aws:RequestedRegion": {"Fn::Split": [",", {"Ref": REGIONS}]}},
        "StringNotEquals": {"aws:RequestedRegion": {"Ref": "AWS::Region"}},
    },
}
_SHOW_AGAIN: Final[dict[str, Any]] = {
    "Effect": "Allow",
    "Action": ["sqs:GetQueueUrl", "sqs:ChangeMessageVisibility"],
    "Resource": {"Fn::GetAtt": [REPLICATION.logical_id, "Arn"]},
}


def complete_replication(template: Json) -> None:
    """Completes those of the functions that ``template`` has, in place. After ``complete_queues``."""
    statements = {**dict.fromkeys(PUBLISHERS, _SEND), RECEIVER: _SHOW_AGAIN}
    for function_id, statement in statements.items():
        if function_id not in template["Resources"]:
            continue
        properties = template["Resources"][function_id]["Properties"]
        role_of(template, function_id, properties)["Properties"]["Policies"].append(
            {
                "PolicyName": f"{function_id}ReplicationPolicy",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            }
        )
        variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
        variables[QUEUE_NAME] = REPLICATION.real_name
