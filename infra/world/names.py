"""Where the arena's names lead: to the nearest region that is well, else to a page that says so.

``api.`` is a failover record: while any region is well it leads to ``nearest.``, whose latency records have a health
check each; when none is, to CloudFront. The guide's priorities are for takeover (docs/regions.md), not for distance.
"""

from collections.abc import Sequence
from typing import Any, Final

from infra.template.document import Json

DOMAIN: Final = "DomainName"
ZONE: Final = "HostedZoneId"
CHECK_SECONDS: Final = 10
"""Route 53's faster interval."""
FAILURES: Final = 3
"""Checks in a row that make a region unwell: 30 s."""
READY_PATH: Final = "/health/ready"
CLOUDFRONT_ZONE: Final = "Z2FDTNDATAQYW2"
"""The hosted zone of all CloudFront distributions
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-route53-aliastarget.html)."""


def region_id(region: str) -> str:
    """``us-east-1`` as part of a logical id: ``UsEast1``."""
    return "".join(part.title() for part in region.split("-"))


def end_parameters(regions: Sequence[str]) -> dict[str, Json]:
    """What each region's stack says of itself in its outputs."""
    found: dict[str, Json] = {}
    for region in regions:
        name = region_id(region)
        for suffix, description in (
            ("ApiHost", "host of the API's own address, which is checked"),
            ("ApiTarget", "target of the API's domain name"),
            ("ApiTargetZone", "hosted zone of that target"),
            ("WebSocketTarget", "target of the WebSockets' domain name"),
            ("WebSocketTargetZone", "hosted zone of that target"),
        ):
            found[f"{name}{suffix}"] = {"Type": "String", "MinLength": 1, "Description": f"{region}: {description}."}
    return found


def health_checks(regions: Sequence[str], stage_path: str) -> dict[str, Json]:
    """One for each region, of the API's own address: the domain's leads wherever is nearest."""
    return {
        f"{region_id(region)}Health": {
            "Type": "AWS::Route53::HealthCheck",
            "Properties": {
                "HealthCheckConfig": {
                    "Type": "HTTPS",
                    "FullyQualifiedDomainName": {"Ref": f"{region_id(region)}ApiHost"},
                    "Port": 443,
                    "ResourcePath": f"/{stage_path}{READY_PATH}",
                    "RequestInterval": CHECK_SECONDS,
                    "FailureThreshold": FAILURES,
                    "EnableSNI": True,
                    "MeasureLatency": True,
                },
                "HealthCheckTags": [{"Key": "Name", "Value": {"Fn::Sub": f"${{AWS::StackName}}-{region}"}}],
            },
        }
        for region in regions
    }


def records(regions: Sequence[str], distribution: str) -> dict[str, Json]:
    """Records by logical id; ``distribution`` is the logical id of what answers when no region does."""
    found: dict[str, Json] = {}
    for region in regions:
        name = region_id(region)
        for label, kind in (("nearest", "Api"), ("ws", "WebSocket")):
            found[f"{name}{kind}Record"] = _record(
                label,
                {
                    "DNSName": {"Ref": f"{name}{kind}Target"},
                    "HostedZoneId": {"Ref": f"{name}{kind}TargetZone"},
                    "EvaluateTargetHealth": True,
                },
                SetIdentifier=region,
                Region=region,
                HealthCheckId={"Ref": f"{name}Health"},
            )
    nearest = {"DNSName": {"Fn::Sub": f"nearest.${{{DOMAIN}}}"}, "HostedZoneId": {"Ref": ZONE}}
    found["ApiRecord"] = _record(
        "api", {**nearest, "EvaluateTargetHealth": True}, SetIdentifier="regions", Failover="PRIMARY"
    )
    # An alias needs the records it leads to.
    found["ApiRecord"]["DependsOn"] = [f"{region_id(region)}ApiRecord" for region in regions]
    away = {"DNSName": {"Fn::GetAtt": [distribution, "DomainName"]}, "HostedZoneId": CLOUDFRONT_ZONE}
    found["ApiAwayRecord"] = _record(
        "api", {**away, "EvaluateTargetHealth": False}, SetIdentifier="away", Failover="SECONDARY"
    )
    for logical_id, kind in (("StaticRecord", "A"), ("StaticRecord6", "AAAA")):
        found[logical_id] = _record("www", {**away, "EvaluateTargetHealth": False}, kind=kind)
    return found


def _record(label: str, target: Json, *, kind: str = "A", **more: Any) -> Json:
    return {
        "Type": "AWS::Route53::RecordSet",
        "Properties": {
            "HostedZoneId": {"Ref": ZONE},
            "Name": {"Fn::Sub": f"{label}.${{{DOMAIN}}}"},
            "Type": kind,
            "AliasTarget": target,
            **more,
        },
    }
