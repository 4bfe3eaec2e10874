"""What CloudWatch measured of the alias: exact, by the minute, and a minute or two late."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable
from chalicelib.scaling.model import IN_USE, SPILLOVER, Point, Reading, missing

PERIOD_SECONDS: Final = 60
LOOK_BACK: Final = timedelta(minutes=3)
"""Of what is asked for; a minute appears one or two minutes after it ended."""

QUERIES: Final[Mapping[str, tuple[str, str, float]]] = {
    IN_USE: ("ConcurrentExecutions", "Maximum", 1.0),
    SPILLOVER: ("ProvisionedConcurrencySpilloverInvocations", "Sum", float(PERIOD_SECONDS)),
}
"""Metric name → CloudWatch's name, statistic, and what to divide by. Maximum: the average hides bursts."""


class CloudWatchMeasurements:
    """``scaling.ports.Measurements``. Asks at most once a minute: there is nothing new before, and it is not free."""

    def __init__(self, connect: Callable[[], Any], function: str, alias: str) -> None:
        """``connect`` builds the boto3 client when it is first needed."""
        self._connect = connect
        self._dimensions = [
            {"Name": "FunctionName", "Value": function},
            {"Name": "Resource", "Value": f"{function}:{alias}"},
        ]
        self._asked_at = float("-inf")
        self._found: Mapping[str, Reading] = {}

    def read(self, now: float) -> Mapping[str, Reading]:
        """By metric name. Raises ``Unavailable``; it is then left alone for a minute too, in which nothing is known."""
        if now - self._asked_at >= PERIOD_SECONDS:
            self._asked_at, self._found = now, {}
            self._found = self._ask(datetime.fromtimestamp(now, UTC))
        return self._found

    def _ask(self, now: datetime) -> dict[str, Reading]:
        queries = [
            {
                "Id": metric,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": self._dimensions},
                    "Period": PERIOD_SECONDS,
                    "Stat": statistic,
                },
            }
            for metric, (name, statistic, _) in QUERIES.items()
        ]
        try:
            answer = self._client.get_metric_data(
                MetricDataQueries=queries, StartTime=now - LOOK_BACK, EndTime=now, ScanBy="TimestampAscending"
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("cloudwatch_unavailable", "CloudWatch did not answer", retry_after_seconds=15) from error
        return {result["Id"]: _reading(result, QUERIES[result["Id"]][2]) for result in answer["MetricDataResults"]}

    @cached_property
    def _client(self) -> Any:
        return self._connect()


def _reading(result: Mapping[str, Any], divisor: float) -> Reading:
    points = tuple(
        Point(moment.timestamp() + PERIOD_SECONDS, value / divisor)
        for moment, value in zip(result["Timestamps"], result["Values"], strict=True)
    )
    return Reading(points=points, evidence="CloudWatch, by the minute") if points else missing("CloudWatch has no data")
