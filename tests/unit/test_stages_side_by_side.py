"""While an arena moves to another tier both stages' stacks stand in one account: what they must not share."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from infra.atlas.build import build_atlas
from infra.foundation.build import build_foundation, foundation_stack_name
from infra.template import STAGES, build_template
from infra.world.build import build_world, world_stack_name
from tests.unit.test_template import sample

Json = dict[str, Any]
REGIONS = ("us-east-1", "eu-west-1")
NAMED_BY = {
    "AWS::ApiGateway::DomainName": "DomainName",
    "AWS::ApiGatewayV2::DomainName": "DomainName",
    "AWS::CloudFront::OriginAccessControl": "OriginAccessControlConfig",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Route53::RecordSet": "Name",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Serverless::Function": "FunctionName",
    "AWS::WAFv2::WebACL": "Name",
    "MongoDB::Atlas::Project": "Name",
}
"""What an account has once in a region, or once at all."""


def names(template: Json, stack_name: str) -> Iterator[tuple[str, str]]:
    """Of resources whose name is not made up by CloudFormation: logical id, and the name as it will be."""
    for logical_id, resource in template["Resources"].items():
        name = resource.get("Properties", {}).get(NAMED_BY.get(resource["Type"], ""))
        if name is not None:
            yield logical_id, json.dumps(name).replace("${AWS::StackName}", stack_name)


def shared(built: dict[str, tuple[Json, str]]) -> set[str]:
    """Logical ids of what two stages would both have."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for stage, (template, stack_name) in built.items():
        for named in names(template, stack_name):
            found[named].add(stage)
    return {logical_id for (logical_id, _), stages in found.items() if len(stages) > 1}


def every(build: Any, stack_name: Any) -> dict[str, tuple[Json, str]]:
    return {name: (build(stage), stack_name(stage)) for name, stage in STAGES.items()}


def test_databases_and_foundations_stand_side_by_side() -> None:
    assert shared(every(build_foundation, foundation_stack_name)) == set()
    # A cluster's name is its project's.
    assert shared(every(lambda stage: build_atlas(stage, REGIONS), lambda stage: stage.name)) == set()


def test_arenas_share_nothing_but_the_domain_which_only_one_may_be_given() -> None:
    built = every(lambda stage: build_template(sample(), stage), lambda stage: stage.stack_name)
    assert shared(built) == {"ApiDomain"}
    for template, _ in built.values():
        assert template["Resources"]["ApiDomain"]["Condition"] == "DomainIsGiven"
        assert template["Parameters"]["DomainName"]["Default"] == ""


@pytest.mark.parametrize("stage", STAGES)
def test_of_the_stack_of_names_there_can_be_one(stage: str) -> None:
    """Its records are the domain's: the old one goes before the new one comes."""
    built = every(lambda one: build_world(one, REGIONS), world_stack_name)
    records = {name for name, row in built[stage][0]["Resources"].items() if row["Type"] == "AWS::Route53::RecordSet"}
    assert shared(built) == records
