"""Which values a deployment runs with, and what makes a release another one."""

from typing import Any

import pytest

from infra.release import (
    DeployError,
    decide_parameters,
    release_hash,
    require_own_region,
    with_code_location,
)
from infra.template import STAGES
from infra.template.parameters import parameters

DECLARED: dict[str, dict[str, Any]] = {
    "SecretId": {"Default": "a/dev"},
    "MongoDatabase": {},
    "CorsOrigin": {"MinLength": 1},
    "ProvisionedConcurrency": {"Default": 3},
    "ReleaseHash": {},
}
GIVEN = {"MongoDatabase": "aiba", "CorsOrigin": "https://a.example"}


def test_a_first_deployment_takes_defaults_and_the_tiers_number() -> None:
    assert decide_parameters(DECLARED, {}, GIVEN, None) == {**GIVEN, "SecretId": "a/dev", "ProvisionedConcurrency": "3"}


def test_given_wins_over_previous_and_previous_over_default() -> None:
    previous = {"SecretId": "b/dev", "MongoDatabase": "old", "CorsOrigin": "https://old.example"}
    decided = decide_parameters(DECLARED, previous, {"MongoDatabase": "new"}, None)
    assert (decided["SecretId"], decided["MongoDatabase"]) == ("b/dev", "new")
    assert decided["CorsOrigin"] == "https://old.example"


def test_the_controllers_number_wins_over_all() -> None:
    previous = {**GIVEN, "ProvisionedConcurrency": "3"}
    assert decide_parameters(DECLARED, previous, {"ProvisionedConcurrency": "4"}, 11)["ProvisionedConcurrency"] == "11"


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(DeployError) as caught:
        decide_parameters(DECLARED, {"CorsOrigin": ""}, {"Nonsense": "1", "ReleaseHash": "x"}, None)
    for name in ("Nonsense", "ReleaseHash", "MongoDatabase", "CorsOrigin"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"LogLevel": "LOUD"}, "LogLevel must be one of nothing, DEBUG, INFO, WARNING, ERROR, not 'LOUD'"),
        ({"LogSampleRate": "7"}, "LogSampleRate must be a number from 0 to 1, not '7'"),
        ({"ScalingMax": "many"}, "ScalingMax must be a number from 0 to"),
        ({"Regions": "us-east-1, eu-west-1"}, "Regions must be regions separated by commas, without spaces"),
        ({"MongoDatabase": "a b"}, "MongoDatabase must match"),
        ({"InitDataMaxAgeSeconds": "0"}, "InitDataMaxAgeSeconds must be a number from 1, not '0'"),
    ],
)
def test_values_are_what_the_template_says(given: dict[str, str], said: str) -> None:
    with pytest.raises(DeployError) as caught:
        decide_parameters(parameters(STAGES["prod"]), {}, {**GIVEN, **given}, None)
    assert said in str(caught.value)


def test_values_at_the_edge_and_those_a_stack_has_are_taken() -> None:
    edge = {**GIVEN, "LogLevel": "", "LogSampleRate": "0.5", "ScalingMax": "0", "Regions": "us-east-1,eu-west-1"}
    assert decide_parameters(parameters(STAGES["prod"]), {"LogSampleRate": "7"}, edge, None).items() >= edge.items()
    before = {**GIVEN, "LogSampleRate": "7"}
    assert decide_parameters(parameters(STAGES["prod"]), before, {}, None)["LogSampleRate"] == "7"


def test_regions_that_converge_are_with_the_one_deployed_to() -> None:
    for accepted in ("", "us-east-1", "eu-west-1,us-east-1"):
        require_own_region({"Regions": accepted}, "us-east-1")
    with pytest.raises(DeployError, match="Regions eu-west-1 leaves out us-east-1"):
        require_own_region({"Regions": "eu-west-1"}, "us-east-1")


def test_the_number_of_instances_is_no_part_of_a_release() -> None:
    first = release_hash({"a": 1}, "code", {"ProvisionedConcurrency": "3", "x": "1"})
    assert first == release_hash({"a": 1}, "code", {"x": "1", "ProvisionedConcurrency": "9"})
    assert len(first) == 64


@pytest.mark.parametrize(
    "other", [({"a": 2}, "code", {"x": "1"}), ({"a": 1}, "c2", {"x": "1"}), ({"a": 1}, "code", {})]
)
def test_template_code_and_parameters_are(other: Any) -> None:
    assert release_hash(*other) != release_hash({"a": 1}, "code", {"x": "1"})


def test_code_location_reaches_every_function_of_a_copy() -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}
    template = {"Resources": {"A": function, "B": function, "C": {"Type": "X"}}}
    located = with_code_location(template, "bucket", "key")
    assert located["Resources"]["A"]["Properties"]["CodeUri"] == {"Bucket": "bucket", "Key": "key"}
    assert located["Resources"]["B"]["Properties"]["CodeUri"] == {"Bucket": "bucket", "Key": "key"}
    assert function["Properties"] == {"CodeUri": "./deployment.zip"}
