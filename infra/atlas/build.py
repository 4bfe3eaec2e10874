"""Puts the databases' template together, of Atlas's resource types in CloudFormation's registry.

Every region has a cluster of its own (docs/regions.md): its zone is the region's, and replication is the arena's. The
types must be activated in the account once, and an API key of Atlas kept where they look for it
(https://www.mongodb.com/docs/atlas/reference/atlas-cfn/).
"""

from collections.abc import Sequence
from typing import Any, Final

from infra.atlas.sizes import NODES, SIZES, AtlasSize
from infra.plain_stack import PlainStack
from infra.template.document import NO_VALUE, Json, given
from infra.template.stage import APP_NAME, StageSpec, database_of
from infra.world.names import region_id

ATLAS_REGION: Final = "us-east-1"
"""Where the stack is; what it describes is everywhere."""
PROJECT: Final = "Project"
ORGANISATION: Final = "AtlasOrganisationId"
PROFILE: Final = "AtlasProfile"
VERSION: Final = "7.0"
PRIORITY: Final = 7
"""Atlas's highest: the only region of its cluster."""
TRANSACTION_SECONDS: Final = 10
"""How long a player may stay locked when an environment dies in mid-battle (docs/deploying.md)."""
OPLOG_HOURS: Final = 24
PASSWORD_CHARACTERS: Final = 40
USER: Final = "arena"
READER: Final = "arena_reader"
"""For people who look; it changes nothing."""


def atlas_stack_name(stage: StageSpec) -> str:
    return f"{APP_NAME}-{stage.name}-atlas"


def atlas_stack(stage: StageSpec, regions: Sequence[str]) -> PlainStack:
    return PlainStack(atlas_stack_name(stage), stage, build_atlas(stage, regions))


def build_atlas(stage: StageSpec, regions: Sequence[str]) -> Json:
    """The template for ``regions``, at least one. Pure."""
    size = SIZES[stage.tier.name]
    resources: dict[str, Json] = {
        PROJECT: _atlas("Project", Name=f"{APP_NAME}-{stage.name}", OrgId={"Ref": ORGANISATION}),
        "Maintenance": _of_project("MaintenanceWindow", DayOfWeek=3, HourOfDay=4, AutoDeferOnceEnabled=True),
    }
    outputs: dict[str, Json] = {}
    for region in regions:
        resources |= _region(region, size)
        name = region_id(region)
        outputs[f"{name}EndpointService"] = {"Value": {"Fn::GetAtt": [f"{name}Link", "EndpointServiceName"]}}
        outputs[f"{name}PasswordSecret"] = {"Value": {"Ref": f"{name}Password"}}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"AIBA Arena, stage {stage.name} ({stage.tier.name} tier), databases of {len(regions)} regions.",
        "Parameters": _parameters(regions),
        "Conditions": {
            f"{region_id(region)}IsLinked": given({"Ref": f"{region_id(region)}Endpoint"}) for region in regions
        },
        "Resources": resources,
        "Outputs": outputs,
    }


def _parameters(regions: Sequence[str]) -> dict[str, Json]:
    found: dict[str, Json] = {
        ORGANISATION: {"Type": "String", "AllowedPattern": "^[0-9a-f]{24}$", "Description": "Organisation in Atlas."},
        PROFILE: {
            "Type": "String",
            "Default": "default",
            "Description": "Atlas's API key: secret cfn/atlas/profile/NAME holds it.",
        },
    }
    for region in regions:
        found[f"{region_id(region)}Endpoint"] = {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^(vpce-[0-9a-z]+)?$",
            "Description": f"{region}: the foundation's output AtlasEndpointId. Empty until there is one.",
        }
    return found


def _atlas(kind: str, **properties: Any) -> Json:
    return {"Type": f"MongoDB::Atlas::{kind}", "Properties": {"Profile": {"Ref": PROFILE}, **properties}}


def _of_project(kind: str, **properties: Any) -> Json:
    return _atlas(kind, ProjectId={"Fn::GetAtt": [PROJECT, "Id"]}, **properties)


def _region(region: str, size: AtlasSize) -> dict[str, Json]:
    name = region_id(region)
    cluster = f"{APP_NAME}-{region}"
    held = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    after = {"DependsOn": [f"{name}Cluster"]}
    return {
        f"{name}Cluster": {**_cluster(cluster, region, size), **held},
        f"{name}Password": {**_password(USER, region), **held},
        f"{name}ReaderPassword": {**_password(READER, region), **held},
        f"{name}User": {**_user(f"{name}Password", cluster, USER, "readWrite", region), **after},
        f"{name}Reader": {**_user(f"{name}ReaderPassword", cluster, READER, "read", region), **after},
        f"{name}Link": _of_project("PrivateEndpointService", CloudProvider="AWS", Region=_atlas_region(region)),
        f"{name}LinkEnd": {
            **_of_project(
                "PrivateEndpointAWS",
                EndpointServiceId={"Fn::GetAtt": [f"{name}Link", "Id"]},
                Id={"Ref": f"{name}Endpoint"},
                EnforceConnectionSuccess=True,
            ),
            "Condition": f"{name}IsLinked",
        },
        f"{name}Backups": {**_backups(cluster, size), **after},
    }


def _cluster(cluster: str, region: str, size: AtlasSize) -> Json:
    growing = {
        "Compute": {
            "Enabled": size.largest != size.instance,
            **(
                {"ScaleDownEnabled": True, "MinInstanceSize": size.instance, "MaxInstanceSize": size.largest}
                if size.largest != size.instance
                else {}
            ),
        },
        "DiskGB": {"Enabled": True},
    }
    part = {
        "ProviderName": "AWS",
        "RegionName": _atlas_region(region),
        "Priority": PRIORITY,
        "ElectableSpecs": {"InstanceSize": size.instance, "NodeCount": NODES},
        "AutoScaling": growing,
    }
    return _of_project(
        "Cluster",
        Name=cluster,
        ClusterType="SHARDED" if size.shards > 1 else "REPLICASET",
        MongoDBMajorVersion=VERSION,
        BackupEnabled=True,
        PitEnabled=size.continuous_days > 0,
        TerminationProtectionEnabled=True,
        ReplicationSpecs=[{"NumShards": size.shards, "ZoneName": region, "AdvancedRegionConfigs": [part]}],
        AdvancedSettings={
            "MinimumEnabledTLSProtocol": "TLS1_2",
            "JavascriptEnabled": False,
            "DefaultWriteConcern": "majority",
            "TransactionLifetimeLimitSeconds": TRANSACTION_SECONDS,
            "OplogMinRetentionHours": OPLOG_HOURS,
        },
    )


def _password(user: str, region: str) -> Json:
    return {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "Description": f"Password of {user}_{region}.",
            "GenerateSecretString": {"PasswordLength": PASSWORD_CHARACTERS, "ExcludePunctuation": True},
        },
    }


def _user(secret: str, cluster: str, user: str, role: str, region: str) -> Json:
    roles = [{"RoleName": role, "DatabaseName": database_of(region)}]
    if user == USER:
        # How many connections a node admits is asked for: the connection budget bounds the number of environments.
        roles.append({"RoleName": "clusterMonitor", "DatabaseName": "admin"})
    return _of_project(
        "DatabaseUser",
        DatabaseName="admin",
        Username=f"{user}_{region}",
        Password={"Fn::Sub": f"{{{{resolve:secretsmanager:${{{secret}}}}}}}"},
        Roles=roles,
        Scopes=[{"Name": cluster, "Type": "CLUSTER"}],
    )


def _backups(cluster: str, size: AtlasSize) -> Json:
    items = [
        {
            "FrequencyType": item.frequency,
            "FrequencyInterval": item.every,
            "RetentionValue": item.kept,
            "RetentionUnit": item.unit,
        }
        for item in size.backups
    ]
    return _of_project(
        "CloudBackupSchedule",
        ClusterName=cluster,
        AutoExportEnabled=False,
        RestoreWindowDays=size.continuous_days or NO_VALUE,
        Policies=[{"PolicyItems": items}],
    )


def _atlas_region(region: str) -> str:
    return region.upper().replace("-", "_")
