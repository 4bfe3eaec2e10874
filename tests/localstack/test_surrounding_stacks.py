"""The stacks around the arena's own, created as far as LocalStack knows their types; cfn-lint has seen them whole."""

import ipaddress
import json
import uuid
from collections.abc import Sequence
from typing import Any

import boto3
import pytest

from infra.foundation import build_foundation
from infra.template import STAGES
from infra.world import RegionEnd, build_world
from tests.localstack.running import REGION, RunningLocalStack, eventually
from tests.templates import without_types
from tests.unit.test_world import OUTPUTS

UNKNOWN = (
    *("AWS::EC2::EIP", "AWS::EC2::FlowLog", "AWS::WAFv2::", "AWS::ElastiCache::", "AWS::CloudFront::"),
    "AWS::CertificateManager::",
)
"""Types LocalStack has not."""
REGIONS = ("us-east-1", "eu-west-1")


def client(localstack: RunningLocalStack, service: str) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=localstack.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def created(localstack: RunningLocalStack, template: dict[str, Any], parameters: dict[str, str]) -> dict[str, str]:
    """Physical ids by logical id of a new stack that was created whole."""
    formation, name = client(localstack, "cloudformation"), f"around-{uuid.uuid4().hex[:8]}"
    formation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )

    def status() -> str:
        return str(formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    last = eventually(status, lambda found: not found.endswith("_IN_PROGRESS"), seconds=180)
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    assert last == "CREATE_COMPLETE", [row.get("ResourceStatusReason") for row in events]
    rows = formation.describe_stack_resources(StackName=name)["StackResources"]
    return {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows}


def with_a_key_of_aws(template: dict[str, Any]) -> dict[str, Any]:
    """``template`` with another key in place of its own: LocalStack's stacks can't make one with a policy."""
    key = "arn:aws:kms:us-east-1:000000000000:alias/aws/s3"
    text = json.dumps(template)
    for reference in ({"Fn::GetAtt": ["DataKey", "Arn"]}, {"Ref": "DataKey"}):
        text = text.replace(json.dumps(reference), json.dumps(key))
    replaced: dict[str, Any] = json.loads(text)
    for name in ("DataKey", "DataKeyAlias"):
        del replaced["Resources"][name]
    return replaced


@pytest.fixture(scope="module")
def foundation(localstack: RunningLocalStack) -> dict[str, str]:
    template, gone = without_types(with_a_key_of_aws(build_foundation(STAGES["prod"])), UNKNOWN)
    # Those that fall away with an unknown type are few and known: what is tested here is most of it.
    assert {name.rstrip("0123456789") for name in gone} == {
        *("NatAddress", "Nat", "PrivateWayOut", "FlowLog", "Cache", "CacheSubnets", "CacheSettings"),
        *("Firewall", "FirewallLogging", "Certificate"),
    }
    return created(localstack, template, {})


def test_subnets_lie_apart_in_three_zones(localstack: RunningLocalStack, foundation: dict[str, str]) -> None:
    ids = [physical for name, physical in foundation.items() if "Subnet" in name and name[-1].isdigit()]
    rows = client(localstack, "ec2").describe_subnets(SubnetIds=ids)["Subnets"]
    blocks = [ipaddress.ip_network(row["CidrBlock"]) for row in rows]
    assert len(blocks) == 6
    assert not [(one, other) for one in blocks for other in blocks if one is not other and one.overlaps(other)]
    assert {block.num_addresses for block in blocks} == {4096}
    assert len({row["AvailabilityZone"] for row in rows}) == 3


def test_services_are_reached_inside_the_network(localstack: RunningLocalStack, foundation: dict[str, str]) -> None:
    ids = [physical for name, physical in foundation.items() if name.endswith("Endpoint")]
    rows = client(localstack, "ec2").describe_vpc_endpoints(VpcEndpointIds=ids)["VpcEndpoints"]
    names = sorted(row["ServiceName"].rpartition(".")[2] for row in rows)
    assert names == ["lambda", "monitoring", "s3", "secretsmanager", "sqs"]


def test_the_backup_bucket_keeps_what_is_deleted(localstack: RunningLocalStack, foundation: dict[str, str]) -> None:
    storage = client(localstack, "s3")
    assert storage.get_bucket_versioning(Bucket=foundation["BackupBucket"])["Status"] == "Enabled"
    lock = storage.get_object_lock_configuration(Bucket=foundation["BackupBucket"])["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 7}


def test_names_lead_to_each_region_while_its_check_passes(localstack: RunningLocalStack) -> None:
    names = client(localstack, "route53")
    zone = names.create_hosted_zone(Name="arena.example.org", CallerReference=uuid.uuid4().hex)["HostedZone"]["Id"]
    template, gone = without_types(build_world(STAGES["prod"], REGIONS), UNKNOWN)
    assert not {name for name in gone if name.endswith(("ApiRecord", "WebSocketRecord", "Health"))}
    values = {"DomainName": "arena.example.org", "HostedZoneId": zone.rpartition("/")[2]}
    for region in REGIONS:
        values |= RegionEnd(region, OUTPUTS).parameters()
    made = created(localstack, template, values)
    rows = _records(names, zone, "nearest.arena.example.org.")
    assert {row["Region"] for row in rows} == set(REGIONS)
    assert {row["HealthCheckId"] for row in rows} == {made["UsEast1Health"], made["EuWest1Health"]}
    (primary,) = [row for row in _records(names, zone, "api.arena.example.org.") if row.get("Failover") == "PRIMARY"]
    assert primary["AliasTarget"]["DNSName"].rstrip(".") == "nearest.arena.example.org"
    config = names.get_health_check(HealthCheckId=made["UsEast1Health"])["HealthCheck"]["HealthCheckConfig"]
    assert config["FullyQualifiedDomainName"] == "abc.execute-api.us-east-1.amazonaws.com"


def _records(names: Any, zone: str, name: str) -> Sequence[dict[str, Any]]:
    rows: list[dict[str, Any]] = names.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [row for row in rows if row["Name"] == name]
