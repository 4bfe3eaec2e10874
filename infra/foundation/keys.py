"""The region's key for what is kept, and the audit of what goes over the network."""

from typing import Final

from infra.foundation.network import VPC
from infra.foundation.sizes import FoundationSize
from infra.template.document import Json

KEY: Final = "DataKey"


def keys() -> dict[str, Json]:
    """A key of the account's own: it can be audited, and taken away from everybody at once."""
    root = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    logs = {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}}
    groups = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"
    return {
        KEY: {
            "Type": "AWS::KMS::Key",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "Description": {"Fn::Sub": "What ${AWS::StackName} keeps: backups, cache, secrets, logs."},
                "EnableKeyRotation": True,
                "PendingWindowInDays": 30,
                "KeyPolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        # Who may use it is said in the roles' own policies, as everywhere in the account.
                        {"Sid": "Account", "Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"},
                        {
                            "Sid": "Logs",
                            "Effect": "Allow",
                            "Principal": logs,
                            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
                            "Resource": "*",
                            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": {"Fn::Sub": groups}}},
                        },
                    ],
                },
            },
        },
        "DataKeyAlias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": {"Fn::Sub": "alias/${AWS::StackName}"}, "TargetKeyId": {"Ref": KEY}},
        },
    }


def log_group(days: int, *, name: Json | None = None) -> Json:
    """Encrypted, and gone with the stack."""
    named = {} if name is None else {"LogGroupName": name}
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {**named, "RetentionInDays": days, "KmsKeyId": {"Fn::GetAtt": [KEY, "Arn"]}},
    }


def flow_logs(size: FoundationSize) -> dict[str, Json]:
    """What was refused by the network: addresses and ports, no content."""
    if not size.zones:
        return {}
    service = {"Service": "vpc-flow-logs.amazonaws.com"}
    write = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        "Resource": {"Fn::GetAtt": ["FlowLogGroup", "Arn"]},
    }
    return {
        "FlowLogGroup": log_group(size.log_days),
        "FlowLogRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": service,
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "WriteFlowLogs",
                        "PolicyDocument": {"Version": "2012-10-17", "Statement": [write]},
                    }
                ],
            },
        },
        "FlowLog": {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {
                "ResourceType": "VPC",
                "ResourceId": {"Ref": VPC},
                "TrafficType": "REJECT",
                "LogGroupName": {"Ref": "FlowLogGroup"},
                "DeliverLogsPermissionArn": {"Fn::GetAtt": ["FlowLogRole", "Arn"]},
            },
        },
    }
