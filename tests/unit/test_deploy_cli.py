"""The options of ``./arena deploy``."""

import click
import pytest
from click.testing import CliRunner

from infra.cli.deploy import command
from infra.cli.up import command as up


@pytest.mark.parametrize(
    "topic", ["alarms", "arn:aws:sns:eu-west-1:123456789012:alarms", "arn:aws:sqs:us-east-1:123456789012:alarms"]
)
def test_an_alarm_topic_is_of_a_region_deployed_to(topic: str) -> None:
    result = CliRunner().invoke(command, ["--stage", "dev", "--region", "us-east-1", "--alarm-topic", topic])
    assert result.exit_code == 2
    assert f"{topic!r} is not the ARN of an SNS topic in us-east-1" in result.output.replace("\n", " ")


@pytest.mark.parametrize("given", ["ScalingMax", "=4"])
@pytest.mark.parametrize(("cli", "needed"), [(command, ["--stage", "dev", "--region", "us-east-1"]), (up, [])])
def test_a_parameter_is_a_name_and_a_value(cli: click.Command, needed: list[str], given: str) -> None:
    result = CliRunner().invoke(cli, [*needed, "--parameter", given])
    assert result.exit_code == 2
    assert f"{given!r} is not NAME=VALUE, e.g. ScalingMax=40" in result.output.replace("\n", " ")
