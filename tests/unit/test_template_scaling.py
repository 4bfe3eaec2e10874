"""Who moves the warm environments: what the template has of AWS's own scaling, and where it has nothing of it."""

import json
from typing import Any

import pytest

from chalicelib.scaling.tiers import STAGING
from chalicelib.scaling_settings import SCALING_KEYS
from infra.package import PROJECT_ROOT, build_package
from infra.template.auto_scaling import BY_AWS, CONDITIONS, POLICY, TARGET, UTILIZATION, without_auto_scaling
from tests.templates import refers, statements_of

Json = dict[str, Any]


@pytest.fixture(scope="module")
def template() -> Json:
    return build_package("staging", PROJECT_ROOT / ".arena" / "build", lambda _: None).template


def variables(template: Json, function: str) -> Json:
    found: Json = template["Resources"][function]["Properties"]["Environment"]["Variables"]
    return found


def statements(template: Json, function: str) -> list[Json]:
    role = template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]
    return statements_of(template["Resources"][role])


def test_the_controller_is_told_whom_it_scales_and_the_api_what_it_shows(template: Json) -> None:
    told = variables(template, "Scaling")
    keys = set(SCALING_KEYS) - {"ARENA_SEPARATE_ENVIRONMENTS"}  # nothing is served separately here
    assert keys <= set(told)
    assert "ARENA_SEPARATE_ENVIRONMENTS" not in told
    assert told["ARENA_API_FUNCTION"] == {"Ref": "APIHandler"}
    assert keys - set(variables(template, "APIHandler")) == {"ARENA_API_FUNCTION"}
    assert not set(SCALING_KEYS) & set(variables(template, "FollowUps"))


def test_only_the_controller_may_move_and_only_the_alias(template: Json) -> None:
    movers = {
        name: row["Resource"]["Fn::Sub"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        for row in statements(template, name)
        if "lambda:PutProvisionedConcurrencyConfig" in row["Action"]
    }
    assert list(movers) == ["Scaling"]
    assert movers["Scaling"].endswith(":function:${AWS::StackName}-APIHandler-*:live")


def test_by_default_the_controller_moves(template: Json) -> None:
    assert template["Parameters"]["ScalingBy"]["Default"] == "controller"
    assert variables(template, "Scaling")["ARENA_SCALING_BY"] == {"Ref": "ScalingBy"}


def test_aws_tracks_utilization_within_the_same_bounds(template: Json) -> None:
    resources = template["Resources"]
    assert {resources[name]["Condition"] for name in (TARGET, POLICY)} == {BY_AWS}
    target = resources[TARGET]["Properties"]
    assert target["ResourceId"] == {"Fn::Sub": "function:${APIHandler}:live"}
    assert target["ScalableDimension"] == "lambda:function:ProvisionedConcurrency"
    assert [target[bound]["Fn::If"][2] for bound in ("MinCapacity", "MaxCapacity")] == [
        STAGING.min_instances,
        STAGING.max_instances,
    ]
    assert "APIHandlerAliaslive" in resources[TARGET]["DependsOn"]
    tracking = resources[POLICY]["Properties"]["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == UTILIZATION == 0.7
    metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert metric == "LambdaProvisionedConcurrencyUtilization"


def test_a_peak_by_the_clock_raises_the_minimum_and_puts_it_back(template: Json) -> None:
    condition, (begins, ends), nothing = template["Resources"][TARGET]["Properties"]["ScheduledActions"]["Fn::If"]
    assert condition in CONDITIONS
    assert nothing == {"Ref": "AWS::NoValue"}
    assert begins["ScalableTargetAction"] == {"MinCapacity": {"Ref": "ScalingPeakMin"}}
    assert ends["ScalableTargetAction"]["MinCapacity"] == template["Resources"][TARGET]["Properties"]["MinCapacity"]
    assert [row["Schedule"] for row in (begins, ends)] == [{"Ref": "ScalingPeakFrom"}, {"Ref": "ScalingPeakUntil"}]


def test_where_the_controller_moves_nothing_of_aws_is_left(template: Json) -> None:
    left = without_auto_scaling(template)
    text = json.dumps(left["Resources"]) + json.dumps(left["Conditions"])
    assert "ApplicationAutoScaling" not in text
    assert not [name for name in CONDITIONS if name in text]
    assert set(template["Resources"]) - set(left["Resources"]) == {TARGET, POLICY}
    assert not refers(left, {TARGET, POLICY, *(template["Conditions"].keys() - left["Conditions"].keys())})
