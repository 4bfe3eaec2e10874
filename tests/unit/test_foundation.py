"""What a region's stage stands on: cfn-lint, and what a reader of the template would check."""

import json
from typing import Any

import pytest

from chalicelib.arena.rate_limits import API, BATTLE
from chalicelib.scaling.tiers import TIERS
from infra.foundation import build_foundation, foundation_stack_name
from infra.foundation.firewall import BODY, WINDOW_SECONDS
from infra.foundation.sizes import SIZES
from infra.template import STAGES, build_template
from infra.template.decided import decided
from tests.templates import findings, of_type
from tests.unit.test_template import sample

Json = dict[str, Any]
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


@pytest.fixture(scope="module", params=list(STAGES))
def foundation(request: pytest.FixtureRequest) -> Json:
    return build_foundation(STAGES[request.param])


@pytest.fixture(scope="module")
def production() -> Json:
    return build_foundation(STAGES["prod"])


def test_cfn_lint_finds_nothing(foundation: Json) -> None:
    assert findings(foundation, REGIONS) == []


def test_every_tier_has_a_size() -> None:
    assert SIZES.keys() == TIERS.keys()
    assert [SIZES[name].cache is None for name in TIERS] == [TIERS[name].cache == "none" for name in TIERS]


def test_a_zone_of_its_own_for_each_subnet_and_a_way_out_for_each(production: Json) -> None:
    subnets = of_type(production, "AWS::EC2::Subnet")
    private = [row for name, row in subnets.items() if name.startswith("Private")]
    assert len({row["Properties"]["AvailabilityZone"]["Fn::Select"][0] for row in private}) == 3
    blocks = [json.dumps(row["Properties"]["CidrBlock"]) for row in subnets.values()]
    assert len(set(blocks)) == len(blocks) == 6
    assert len(of_type(production, "AWS::EC2::NatGateway")) == 3


def test_staging_shares_one_way_out() -> None:
    staging = build_foundation(STAGES["staging"])
    assert len(of_type(staging, "AWS::EC2::NatGateway")) == 1
    ways = [row["Properties"].get("NatGatewayId") for row in of_type(staging, "AWS::EC2::Route").values()]
    assert ways.count({"Ref": "Nat0"}) == 2


def test_nobody_reaches_the_functions_and_only_they_reach_the_cache(production: Json) -> None:
    groups = of_type(production, "AWS::EC2::SecurityGroup")
    assert groups["FunctionsSecurityGroup"]["Properties"]["SecurityGroupIngress"] == []
    functions = {"Fn::GetAtt": ["FunctionsSecurityGroup", "GroupId"]}
    for name in ("CacheSecurityGroup", "EndpointsSecurityGroup", "AtlasSecurityGroup"):
        (rule,) = groups[name]["Properties"]["SecurityGroupIngress"]
        assert rule["SourceSecurityGroupId"] == functions
    assert {
        rule["CidrIp"]
        for row in groups.values()
        for rule in row["Properties"]["SecurityGroupIngress"]
        if "CidrIp" in rule
    } == set()


def test_the_guides_six_nodes_encrypted_behind_a_token(production: Json) -> None:
    (group,) = of_type(production, "AWS::ElastiCache::ReplicationGroup").values()
    properties, parameters = group["Properties"], production["Parameters"]
    assert parameters["CacheShards"]["Default"] * (1 + parameters["CacheReplicas"]["Default"]) == 6
    assert properties["TransitEncryptionMode"] == "required"
    assert properties["AtRestEncryptionEnabled"]
    assert "resolve:secretsmanager:${CacheToken}" in properties["AuthToken"]["Fn::Sub"]
    assert properties["AutomaticFailoverEnabled"]
    assert properties["MultiAZEnabled"]


def test_the_firewall_refuses_nobody_the_arena_admits(production: Json) -> None:
    rules = {rule["Name"]: rule for rule in production["Resources"]["Firewall"]["Properties"]["Rules"]}
    for name, limit in (("BattlesOfAnAddress", BATTLE), ("RequestsOfAnAddress", API)):
        statement = rules[name]["Statement"]["RateBasedStatement"]
        assert statement["EvaluationWindowSec"] == WINDOW_SECONDS == 60
        assert statement["Limit"] >= limit.rate * 60 + limit.burst
        assert statement["Limit"] >= 10  # WAF's least
        response = rules[name]["Action"]["Block"]["CustomResponse"]
        assert response["ResponseCode"] == 429
    # Those that the arena does not limit, too: monitoring and documentation.
    assert "ScopeDownStatement" not in rules["RequestsOfAnAddress"]["Statement"]["RateBasedStatement"]
    assert len({rule["Priority"] for rule in rules.values()}) == len(rules)
    refusal = json.loads(BODY)
    assert (refusal["ok"], refusal["error"]["code"]) == (False, "rate_limited")


def test_backups_outlive_the_stack_and_whoever_would_delete_them(foundation: Json) -> None:
    (bucket,) = of_type(foundation, "AWS::S3::Bucket").values()
    assert bucket["DeletionPolicy"] == "Retain"
    (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert bucket["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Days"] >= 1
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())


def test_the_stages_stack_takes_what_the_foundation_gives() -> None:
    """By name: an output that is no parameter would be dropped without a word."""
    taken = build_template(sample(), STAGES["prod"])["Parameters"].keys()
    given = build_foundation(STAGES["prod"])["Outputs"].keys()
    assert {"SubnetIds", "SecurityGroupIds", "WebAclArn", "CertificateArn"} <= given & taken
    assert foundation_stack_name(STAGES["prod"]) == "aiba-arena-prod-foundation"


def test_functions_enter_the_network_and_their_code_may_not_make_interfaces() -> None:
    template = build_template(sample(), STAGES["prod"])
    for function in of_type(template, "AWS::Serverless::Function").values():
        assert function["Properties"]["VpcConfig"]["Fn::If"][0] == "FunctionsAreInANetwork"
    statements = [
        row
        for role in of_type(template, "AWS::IAM::Role").values()
        for policy in role["Properties"]["Policies"]
        if "Fn::If" in policy
        for row in policy["Fn::If"][1]["PolicyDocument"]["Statement"]
    ]
    allowed, denied = ([row["Action"] for row in statements if row["Effect"] == effect] for effect in ("Allow", "Deny"))
    assert allowed == denied != []


def test_what_is_not_given_is_left_out() -> None:
    template = build_template(sample(), STAGES["prod"])
    bare = json.dumps(decided(template, {}))
    assert not [word for word in ("WAFv2", "VpcConfig", "ApiGateway::DomainName", "ec2:", "KmsKeyId") if word in bare]
    whole = decided(template, {"SubnetIds": "subnet-1", "WebAclArn": "arn:x", "CertificateArn": "arn:y"})
    text = json.dumps(whole)
    assert not [word for word in ("WAFv2", "VpcConfig", "ApiGateway::DomainName", "ec2:") if word not in text]
