"""The cache: Valkey on ElastiCache, encrypted under way and at rest, behind a token, in the guide's cluster form."""

from typing import Final

from infra.foundation.keys import KEY, log_group
from infra.foundation.network import CACHE_GROUP, REDIS, private_subnets
from infra.foundation.sizes import FoundationSize
from infra.planning.cache_sizes import CacheSize
from infra.template.document import Json

TOKEN: Final = "CacheToken"  # noqa: S105 (a logical id)
GROUP: Final = "Cache"
NODE_TYPE: Final = "CacheNodeType"
SHARDS: Final = "CacheShards"
REPLICAS: Final = "CacheReplicas"
ENGINE_VERSION: Final = "8.0"
TOKEN_CHARACTERS: Final = 64
"""ElastiCache admits 16 to 128."""


def cache_parameters(size: FoundationSize) -> dict[str, Json]:
    """None where the tier has no cache."""
    if size.cache is None:
        return {}
    found: dict[str, Json] = {
        NODE_TYPE: {"Type": "String", "Default": size.cache.node_type, "Description": "Of each node of the cache."},
        REPLICAS: {
            "Type": "Number",
            "Default": size.cache.replicas,
            "MinValue": 0,
            "MaxValue": 5,
            "Description": "Replicas of each master of the cache. 0 loses what is cached when a node fails.",
        },
    }
    if size.cache.cluster:
        found[SHARDS] = {
            "Type": "Number",
            "Default": size.cache.shards,
            "MinValue": 1,
            "MaxValue": 500,
            "Description": "Masters of the cache. Another number moves hash slots while it serves.",
        }
    return found


def cache(size: FoundationSize) -> dict[str, Json]:
    """Resources by logical id; none where the tier has no cache."""
    if size.cache is None:
        return {}
    return {
        TOKEN: {
            "Type": "AWS::SecretsManager::Secret",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "Description": "The cache's token, as REDIS_URL carries it.",
                "KmsKeyId": {"Ref": KEY},
                "GenerateSecretString": {"PasswordLength": TOKEN_CHARACTERS, "ExcludePunctuation": True},
            },
        },
        "CacheSubnets": {
            "Type": "AWS::ElastiCache::SubnetGroup",
            "Properties": {"Description": "The functions' subnets.", "SubnetIds": private_subnets(size)},
        },
        "CacheSettings": {
            "Type": "AWS::ElastiCache::ParameterGroup",
            "Properties": {
                "CacheParameterGroupFamily": "valkey8",
                "Description": "Copies that can be made again go first when memory runs out.",
                "Properties": {
                    "maxmemory-policy": "volatile-ttl",
                    **({"cluster-enabled": "yes"} if size.cache.cluster else {}),
                },
            },
        },
        "CacheSlowLog": log_group(size.log_days),
        GROUP: _group(size.cache),
    }


def _group(size: CacheSize) -> Json:
    shape: Json = {"NumNodeGroups": {"Ref": SHARDS} if size.cluster else 1, "ReplicasPerNodeGroup": {"Ref": REPLICAS}}
    group: Json = {
        "Type": "AWS::ElastiCache::ReplicationGroup",
        "DeletionPolicy": "Snapshot",
        "UpdateReplacePolicy": "Snapshot",
        "Properties": {
            "ReplicationGroupDescription": {"Fn::Sub": "Cache of ${AWS::StackName}"},
            "Engine": "valkey",
            "EngineVersion": ENGINE_VERSION,
            "CacheNodeType": {"Ref": NODE_TYPE},
            "CacheParameterGroupName": {"Ref": "CacheSettings"},
            "CacheSubnetGroupName": {"Ref": "CacheSubnets"},
            "SecurityGroupIds": [{"Fn::GetAtt": [CACHE_GROUP, "GroupId"]}],
            "Port": REDIS,
            **shape,
            "AutomaticFailoverEnabled": size.cluster or size.replicas > 0,
            "MultiAZEnabled": size.replicas > 0,
            "TransitEncryptionEnabled": True,
            "TransitEncryptionMode": "required",
            "AtRestEncryptionEnabled": True,
            "KmsKeyId": {"Ref": KEY},
            "AuthToken": {"Fn::Sub": f"{{{{resolve:secretsmanager:${{{TOKEN}}}}}}}"},
            "AutoMinorVersionUpgrade": True,
            "SnapshotRetentionLimit": size.snapshot_days,
            "LogDeliveryConfigurations": [
                {
                    "LogType": "slow-log",
                    "LogFormat": "json",
                    "DestinationType": "cloudwatch-logs",
                    "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": {"Ref": "CacheSlowLog"}}},
                }
            ],
        },
    }
    if size.cluster:
        group["UpdatePolicy"] = {"UseOnlineResharding": True}
    return group
