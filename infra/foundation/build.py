"""Puts the foundation's template together."""

from typing import Any, Final

from infra.foundation.backups import BUCKET, backups
from infra.foundation.cache import GROUP, TOKEN, cache, cache_parameters
from infra.foundation.certificate import (
    CERTIFICATE,
    DOMAIN_IS_GIVEN,
    certificate,
    certificate_conditions,
    certificate_parameters,
)
from infra.foundation.firewall import ACL, firewall
from infra.foundation.keys import KEY, flow_logs, keys
from infra.foundation.network import (
    FUNCTIONS_GROUP,
    WITH_ATLAS_ENDPOINT,
    network,
    network_conditions,
    network_parameters,
    private_subnets,
)
from infra.foundation.sizes import SIZES, FoundationSize
from infra.plain_stack import PlainStack
from infra.template.document import Json
from infra.template.stage import StageSpec

SUFFIX: Final = "foundation"


def foundation_stack_name(stage: StageSpec) -> str:
    return f"{stage.stack_name}-{SUFFIX}"


def foundation_stack(stage: StageSpec) -> PlainStack:
    return PlainStack(foundation_stack_name(stage), stage, build_foundation(stage))


def build_foundation(stage: StageSpec) -> Json:
    """The template of ``stage``'s foundation. Pure."""
    size = SIZES[stage.tier.name]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"AIBA Arena, foundation of stage {stage.name} ({stage.tier.name} tier), one region.",
        "Parameters": {**network_parameters(size), **cache_parameters(size), **certificate_parameters()},
        "Conditions": {**network_conditions(size), **certificate_conditions()},
        "Resources": {
            **keys(),
            **network(size),
            **flow_logs(size),
            **cache(size),
            **backups(size),
            **firewall(size),
            **certificate(),
        },
        "Outputs": _outputs(size),
    }


def _outputs(size: FoundationSize) -> dict[str, Json]:
    """What the arena's stack and whoever writes its secret need; by the arena's parameter's name where it has one."""
    found: dict[str, Any] = {
        "WebAclArn": {"Fn::GetAtt": [ACL, "Arn"]},
        "DataKeyArn": {"Fn::GetAtt": [KEY, "Arn"]},
        "BackupBucket": {"Ref": BUCKET},
    }
    if size.zones:
        found["SubnetIds"] = {"Fn::Join": [",", private_subnets(size)]}
        found["AtlasEndpointId"] = {"Fn::If": [WITH_ATLAS_ENDPOINT, {"Ref": "AtlasEndpoint"}, "none"]}
        found["SecurityGroupIds"] = {"Fn::GetAtt": [FUNCTIONS_GROUP, "GroupId"]}
    if size.cache is not None:
        end = "ConfigurationEndPoint" if size.cache.cluster else "PrimaryEndPoint"
        parts = {"Host": {"Fn::GetAtt": [GROUP, f"{end}.Address"]}, "Port": {"Fn::GetAtt": [GROUP, f"{end}.Port"]}}
        found["CacheAddress"] = {"Fn::Sub": ["${Host}:${Port}", parts]}
        found["CacheTokenSecret"] = {"Ref": TOKEN}
    outputs: dict[str, Json] = {name: {"Value": value} for name, value in found.items()}
    outputs["CertificateArn"] = {"Condition": DOMAIN_IS_GIVEN, "Value": {"Ref": CERTIFICATE}}
    return outputs
