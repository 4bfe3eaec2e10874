"""CloudWatch as its manual describes it: series, statistics of a period, and when an alarm changes its state.

The manual: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
alarms-and-missing-data.html. Time is in whole minutes; a minute's samples are there when it is over.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Json = dict[str, Any]
Key = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name, dimensions: another set of dimensions is another series."""

_FUNCTION: Final = frozenset({frozenset({"FunctionName"}), frozenset({"FunctionName", "Resource"})})
_API: Final = frozenset({frozenset({"ApiName"}), frozenset({"ApiName", "Stage"})})
_QUEUE: Final = frozenset({frozenset({"QueueName"})})
_ACCOUNT: Final = frozenset({frozenset[str]()})

DOCUMENTED: Final[Mapping[str, Mapping[str, frozenset[frozenset[str]]]]] = {
    "AWS/Lambda": {
        **dict.fromkeys(("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"), _FUNCTION),
        **dict.fromkeys(
            (
                "ProvisionedConcurrencyInvocations",
                "ProvisionedConcurrencySpilloverInvocations",
                "ProvisionedConcurrencyUtilization",
                "ProvisionedConcurrentExecutions",
            ),
            _FUNCTION,
        ),
        "ClaimedAccountConcurrency": _ACCOUNT,
        "UnreservedConcurrentExecutions": _ACCOUNT,
    },
    "AWS/ApiGateway": dict.fromkeys(("4XXError", "5XXError", "Count", "IntegrationLatency", "Latency"), _API),
    "AWS/SQS": dict.fromkeys(
        (
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
            "NumberOfMessagesSent",
        ),
        _QUEUE,
    ),
}
"""AWS's metrics by namespace, each with the sets of dimensions it has: docs.aws.amazon.com/lambda/latest/dg/
monitoring-metrics-types.html, …/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html,
…/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html."""


def is_documented(namespace: str, name: str, dimensions: Iterable[str]) -> bool:
    return frozenset(dimensions) in DOCUMENTED.get(namespace, {}).get(name, frozenset())


@dataclass
class Recorded:
    """What was published, by series and minute."""

    samples: dict[Key, dict[int, list[float]]] = field(default_factory=dict)

    def aws(self, series: tuple[str, str], dimensions: Mapping[str, str], minute: int, *values: float) -> None:
        """A service's metric. Refuses what AWS does not publish."""
        namespace, name = series
        assert is_documented(namespace, name, dimensions), f"AWS publishes no {namespace} {name} by {set(dimensions)}"
        self._put(namespace, name, dimensions, minute, values)

    def embedded(self, lines: Iterable[str | Json], minute: int) -> None:
        """What CloudWatch Logs makes of lines in the embedded metric format."""
        for line in lines:
            found: Json = json.loads(line) if isinstance(line, str) else line
            for directive in found["_aws"]["CloudWatchMetrics"]:
                for names in directive["Dimensions"]:
                    dimensions = {name: found[name] for name in names}
                    for metric in directive["Metrics"]:
                        value = found[metric["Name"]]
                        values = value if isinstance(value, list) else [value]
                        self._put(directive["Namespace"], metric["Name"], dimensions, minute, values)

    def _put(self, namespace: str, name: str, by: Mapping[str, str], minute: int, values: Sequence[float]) -> None:
        series = self.samples.setdefault((namespace, name, frozenset(by.items())), {})
        series.setdefault(minute, []).extend(values)

    def statistic(self, key: Key, statistic: str, minutes: range) -> float | None:
        """None where nothing was published."""
        series = self.samples.get(key, {})
        values = [value for minute in minutes for value in series.get(minute, ())]
        return _STATISTICS[statistic](values) if statistic in _STATISTICS and values else _percentile(statistic, values)


_STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}


def _percentile(statistic: str, values: Sequence[float]) -> float | None:
    """By the nearest rank."""
    if not values:
        return None
    matched = re.fullmatch(r"p(\d+(?:\.\d+)?)", statistic)
    assert matched is not None, f"no such statistic: {statistic}"
    return sorted(values)[max(0, math.ceil(float(matched[1]) / 100 * len(values)) - 1)]


_COMPARED: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
EXTRA_PERIODS: Final = 2
"""CloudWatch looks at more periods than it evaluates and does not say how many; its manual's tables show 5 for 3."""


def points(alarm: Json, recorded: Recorded, now: int) -> list[float | None]:
    """The values an alarm looks at, oldest first; of the periods that are over at minute ``now``."""
    length = period_minutes(alarm)
    ends = [now - number * length for number in range(alarm["EvaluationPeriods"] + EXTRA_PERIODS)][::-1]
    return [_value(alarm, recorded, range(end - length, end)) for end in ends]


def period_minutes(alarm: Json) -> int:
    seconds = alarm["Period"] if "Period" in alarm else _watched(alarm)["MetricStat"]["Period"]
    return int(seconds) // 60


def _watched(alarm: Json) -> Json:
    (found,) = [query for query in alarm["Metrics"] if "MetricStat" in query]
    return dict(found)


def watched(alarm: Json) -> Key:
    """The series an alarm watches."""
    metric = alarm if "MetricName" in alarm else _watched(alarm)["MetricStat"]["Metric"]
    dimensions = frozenset((one["Name"], one["Value"]) for one in metric["Dimensions"])
    return metric["Namespace"], metric["MetricName"], dimensions


def _value(alarm: Json, recorded: Recorded, minutes: range) -> float | None:
    if "MetricName" in alarm:
        return recorded.statistic(watched(alarm), alarm.get("Statistic") or alarm["ExtendedStatistic"], minutes)
    query = _watched(alarm)
    value = recorded.statistic(watched(alarm), query["MetricStat"]["Stat"], minutes)
    (returned,) = [one for one in alarm["Metrics"] if one.get("ReturnData", True)]
    # The one form of expression there is here: a share of a number.
    matched = re.fullmatch(rf"(\d+) \* {query['Id']} / (\d+)", returned["Expression"])
    assert matched is not None, returned["Expression"]
    return None if value is None else float(matched[1]) * value / float(matched[2])


def next_state(alarm: Json, seen: Sequence[float | None], state: State) -> State:
    """The state an alarm in ``state`` has after evaluating ``seen``, oldest first, all of the evaluation range."""
    periods: int = alarm["EvaluationPeriods"]
    to_alarm: int = alarm.get("DatapointsToAlarm", periods)
    missing = alarm.get("TreatMissingData", "missing")
    breaks = _COMPARED[alarm["ComparisonOperator"]]
    real = [breaks(value, alarm["Threshold"]) for value in seen if value is not None]
    if len(real) >= periods:
        return "ALARM" if real[-periods:].count(True) >= to_alarm else "OK"
    if missing in ("breaching", "notBreaching"):
        # As few of the missing ones as make up the number; every real one counts.
        filled = [*real, *[missing == "breaching"] * (periods - len(real))]
        return "ALARM" if filled.count(True) >= to_alarm else "OK"
    if not real:
        return state if missing == "ignore" else "INSUFFICIENT_DATA"
    if real.count(True) >= to_alarm:
        return "ALARM"
    if all(real) and _is_old_enough(seen, to_alarm):
        return state if missing == "ignore" else "ALARM"
    return "OK"


def _is_old_enough(seen: Sequence[float | None], to_alarm: int) -> bool:
    """Whether the oldest real value is at least ``to_alarm`` periods old: then the rest need not come."""
    return any(value is not None for value in seen[: len(seen) - to_alarm + 1])
