"""What alarms and the dashboard watch: CloudWatch's series, as data.

AWS's own metrics and their dimensions: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html,
…/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html, …/AWSSimpleQueueService/latest/
SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html. ``AibaArena`` is what schedule ``metrics`` publishes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.monitoring.battle_queue import NAMESPACE
from infra.template.document import Json
from infra.template.stage import ALIAS, API_STAGE

_PERCENTILE: Final = re.compile(r"p\d{1,2}(\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What CloudWatch has: one series, or more exactly one of its statistics."""

    namespace: str
    name: str
    statistic: str
    """``Sum``, ``Maximum``, ``Minimum``, ``Average``, ``SampleCount``, or a percentile (``p99``)."""
    dimensions: Mapping[str, Any] = field(default_factory=dict)
    """Name → value, a text or one of CloudFormation's references."""

    @property
    def is_percentile(self) -> bool:
        return _PERCENTILE.fullmatch(self.statistic) is not None

    def pairs(self) -> list[Json]:
        return [{"Name": name, "Value": value} for name, value in self.dimensions.items()]


API_METRICS: Final = Metric(
    namespace="AWS/ApiGateway",
    name="Count",
    statistic="Sum",
    dimensions={"ApiName": {"Ref": "AWS::StackName"}, "Stage": API_STAGE},
)
"""Any metric of the REST API has its dimensions."""


def of_lambda(name: str, statistic: str, dimensions: Json) -> Metric:
    return Metric(namespace="AWS/Lambda", name=name, statistic=statistic, dimensions=dimensions)


def of_alias(function_id: str, name: str, statistic: str) -> Metric:
    """Of the alias whose environments are kept warm."""
    of = {"FunctionName": {"Ref": function_id}, "Resource": {"Fn::Sub": f"${{{function_id}}}:{ALIAS}"}}
    return of_lambda(name, statistic, of)


def of_queue(name: str, queue_id: str) -> Metric:
    dimensions = {"QueueName": {"Fn::GetAtt": [queue_id, "QueueName"]}}
    return Metric(namespace="AWS/SQS", name=name, statistic="Maximum", dimensions=dimensions)


def of_arena(name: str, statistic: str, **dimensions: str) -> Metric:
    """Of this region; ``dimensions`` are further ones."""
    of = {"region": {"Ref": "AWS::Region"}, **dimensions}
    return Metric(namespace=NAMESPACE, name=name, statistic=statistic, dimensions=of)
