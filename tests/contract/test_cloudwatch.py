"""What CloudWatch measured, read back from moto."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from chalicelib.aws.cloudwatch import PERIOD_SECONDS, CloudWatchMeasurements
from chalicelib.errors import Unavailable
from chalicelib.scaling.model import IN_USE, SPILLOVER

FUNCTION = "arena-api"
LATEST_MINUTE = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
"""Of this day: the service keeps nothing that lies far off."""
NOW = LATEST_MINUTE.timestamp() + PERIOD_SECONDS


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="us-east-1")


def put(client: Any, name: str, *values: float, resource: str = f"{FUNCTION}:live") -> None:
    dimensions = [{"Name": "FunctionName", "Value": FUNCTION}, {"Name": "Resource", "Value": resource}]
    client.put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": LATEST_MINUTE, "Value": value}
            for value in values
        ],
    )


def measurements(client: Any) -> CloudWatchMeasurements:
    return CloudWatchMeasurements(lambda: client, FUNCTION, "live")


def test_the_busiest_moment_and_the_rate_of_spilled_requests(client: Any) -> None:
    put(client, "ConcurrentExecutions", 3, 9, 4)
    put(client, "ProvisionedConcurrencySpilloverInvocations", 60, 30)
    found = measurements(client).read(NOW)
    (busy,), (spilled,) = found[IN_USE].points, found[SPILLOVER].points
    # A minute's value is known when the minute is over.
    assert (busy.value, busy.at) == (9, NOW)
    assert spilled.value == 1.5


def test_without_data_it_is_missing_and_not_zero(client: Any) -> None:
    put(client, "ConcurrentExecutions", 5, resource=f"{FUNCTION}:another-alias")
    found = measurements(client).read(NOW)
    assert {name: (reading.points, reading.missing) for name, reading in found.items()} == dict.fromkeys(
        (IN_USE, SPILLOVER), ((), "CloudWatch has no data")
    )


def test_it_is_asked_once_a_minute(client: Any) -> None:
    asked = measurements(client)
    assert not asked.read(NOW)[IN_USE].points
    put(client, "ConcurrentExecutions", 5)
    assert not asked.read(NOW + PERIOD_SECONDS - 1)[IN_USE].points
    assert asked.read(NOW + PERIOD_SECONDS)[IN_USE].points


class Broken:
    """CloudWatch that can't be reached."""

    asked = 0

    def get_metric_data(self, **_: Any) -> Any:
        self.asked += 1
        raise EndpointConnectionError(endpoint_url="http://cloudwatch.test")


def test_one_that_does_not_answer_is_left_alone_for_a_minute() -> None:
    """Each try may take seconds of an evaluation."""
    client = Broken()
    asked = measurements(client)
    with pytest.raises(Unavailable):
        asked.read(NOW)
    assert (asked.read(NOW + 15), client.asked) == ({}, 1)
    with pytest.raises(Unavailable):
        asked.read(NOW + PERIOD_SECONDS)
