"""The stack above all regions: cfn-lint, and where names lead."""

from typing import Any

import pytest

from infra.template import STAGES
from infra.world import RegionEnd, build_world
from infra.world.build import WORLD_REGION, NotNamed
from tests.templates import findings, of_type

Json = dict[str, Any]
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
OUTPUTS = {
    "ApiUrl": "https://abc.execute-api.us-east-1.amazonaws.com/api",
    "ApiTarget": "d-1.execute-api.us-east-1.amazonaws.com",
    "ApiTargetZone": "Z1",
    "WebSocketTarget": "d-2.execute-api.us-east-1.amazonaws.com",
    "WebSocketTargetZone": "Z2",
}


@pytest.fixture(scope="module")
def world() -> Json:
    return build_world(STAGES["prod"], REGIONS)


def records(template: Json, label: str) -> list[Json]:
    found = [row["Properties"] for row in of_type(template, "AWS::Route53::RecordSet").values()]
    return [row for row in found if row["Name"]["Fn::Sub"] == f"{label}.${{DomainName}}"]


def test_cfn_lint_finds_nothing(world: Json) -> None:
    assert findings(world, [WORLD_REGION]) == []


def test_the_nearest_region_that_is_well(world: Json) -> None:
    checks = of_type(world, "AWS::Route53::HealthCheck")
    nearest = {row["Region"]: row for row in records(world, "nearest")}
    assert nearest.keys() == set(REGIONS)
    for region, row in nearest.items():
        assert row["HealthCheckId"]["Ref"] in checks
        assert row["AliasTarget"]["EvaluateTargetHealth"] is True
        assert row["SetIdentifier"] == region
    for check in checks.values():
        config = check["Properties"]["HealthCheckConfig"]
        assert (config["Type"], config["ResourcePath"]) == ("HTTPS", "/api/health/ready")
        assert config["FailureThreshold"] * config["RequestInterval"] == 30


def test_when_no_region_is_well_something_still_answers(world: Json) -> None:
    primary, secondary = sorted(records(world, "api"), key=lambda row: str(row["Failover"]))
    assert primary["Failover"] == "PRIMARY"
    assert primary["AliasTarget"]["DNSName"] == {"Fn::Sub": "nearest.${DomainName}"}
    assert primary["AliasTarget"]["EvaluateTargetHealth"] is True
    assert secondary["Failover"] == "SECONDARY"
    (distribution,) = of_type(world, "AWS::CloudFront::Distribution").values()
    config = distribution["Properties"]["DistributionConfig"]
    assert {"Fn::Sub": "api.${DomainName}"} in config["Aliases"]
    assert {row["ResponsePagePath"] for row in config["CustomErrorResponses"]} == {"/away.json"}


def test_cloudfront_never_asks_the_name_that_may_lead_to_itself(world: Json) -> None:
    (distribution,) = of_type(world, "AWS::CloudFront::Distribution").values()
    config = distribution["Properties"]["DistributionConfig"]
    asked = [row["DomainName"]["Fn::Sub"] for row in config["Origins"] if "CustomOriginConfig" in row]
    assert asked == ["nearest.${DomainName}"]
    assert {row["TargetOriginId"] for row in config["CacheBehaviors"]} == {"regions"}


def test_only_cloudfront_reads_the_bucket(world: Json) -> None:
    (policy,) = of_type(world, "AWS::S3::BucketPolicy").values()
    allowed = [row for row in policy["Properties"]["PolicyDocument"]["Statement"] if row["Effect"] == "Allow"]
    assert [row["Principal"] for row in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert "AWS:SourceArn" in allowed[0]["Condition"]["StringEquals"]


def test_a_regions_outputs_fill_its_parameters(world: Json) -> None:
    values: dict[str, str] = {}
    for region in REGIONS:
        values |= RegionEnd(region, OUTPUTS).parameters()
    assert set(world["Parameters"]) - values.keys() == {"DomainName", "HostedZoneId"}
    assert values["EuWest1ApiHost"] == "abc.execute-api.us-east-1.amazonaws.com"


def test_a_region_without_a_name_is_refused_with_what_to_do() -> None:
    with pytest.raises(NotNamed, match=r"eu-west-1 has no ApiTarget, .*(?s:.)hint: deploy its foundation"):
        RegionEnd("eu-west-1", {"ApiUrl": "https://x/api"}).parameters()
