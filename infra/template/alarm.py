"""An alarm as data, and the resource CloudFormation makes of it.

Names, statistics and the rules of evaluation: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
cloudwatch-metrics-basic-concepts.html and alarm-evaluation.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from infra.template.document import Json
from infra.template.metrics import Metric
from infra.template.parameters import ALARM_TOPIC, RUNBOOK_BASE_URL

ALARM_TYPE: Final = "AWS::CloudWatch::Alarm"
ALARMED: Final = "AlarmTopicIsGiven"
ALARMS_WANTED: Final = "AlarmsAreWanted"
RUNBOOKS: Final = "docs/runbooks/"

Comparison = Literal["above", "below"]
Missing = Literal["breaching", "notBreaching"]
Severity = Literal["page", "ticket"]

_OPERATORS: Final[Mapping[Comparison, str]] = {"above": "GreaterThanThreshold", "below": "LessThanThreshold"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """``to_alarm`` of the last ``periods`` must break the threshold."""

    id: str
    """Logical id in the template."""
    watches: Metric
    is_: Comparison
    threshold: float
    period_seconds: int = 60
    periods: int
    to_alarm: int
    missing: Missing = "notBreaching"
    """What a period without data counts as."""
    percent_of: str = ""
    """Of a metric compared with a number the deployment gives: the parameter. The threshold is then in per cent."""
    severity: Severity
    """``page``: players feel it, or will within the hour. ``ticket``: someone must look within a day."""
    meaning: str
    runbook: str
    """File and heading below ``docs/runbooks``: ``api.md#errors``."""

    def __post_init__(self) -> None:
        if not 1 <= self.to_alarm <= self.periods:
            raise ValueError(f"{self.id}: 1 <= to_alarm <= periods does not hold")
        if self.period_seconds % 60 or self.period_seconds * self.periods > 7 * 86_400:
            raise ValueError(f"{self.id}: a period is whole minutes, all of them at most seven days")

    @property
    def description(self) -> str:
        """For ``Fn::Sub``."""
        return f"{self.severity}: {self.meaning} ${{{RUNBOOK_BASE_URL}}}{RUNBOOKS}{self.runbook}"

    def resource(self) -> Json:
        """As CloudFormation wants it."""
        actions = {"Fn::If": [ALARMED, [{"Ref": ALARM_TOPIC}], {"Ref": "AWS::NoValue"}]}
        return {
            "Type": ALARM_TYPE,
            "Condition": ALARMS_WANTED,
            "Properties": {
                "AlarmDescription": {"Fn::Sub": self.description},
                **self._watched(),
                "EvaluationPeriods": self.periods,
                "DatapointsToAlarm": self.to_alarm,
                "ComparisonOperator": _OPERATORS[self.is_],
                "Threshold": self.threshold,
                "TreatMissingData": self.missing,
                "AlarmActions": actions,
                "OKActions": actions,
            },
        }

    def _watched(self) -> Json:
        metric = self.watches
        named = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": metric.pairs()}
        if self.percent_of:
            stat = {"Metric": named, "Period": self.period_seconds, "Stat": metric.statistic}
            share = {"Fn::Sub": f"100 * watched / ${{{self.percent_of}}}"}
            return {
                "Metrics": [
                    {"Id": "share", "Expression": share, "ReturnData": True},
                    {"Id": "watched", "MetricStat": stat, "ReturnData": False},
                ]
            }
        if metric.is_percentile:
            # Few samples have no 99th percentile worth waking anyone for.
            how: Json = {"ExtendedStatistic": metric.statistic, "EvaluateLowSampleCountPercentile": "ignore"}
        else:
            how = {"Statistic": metric.statistic}
        return {**named, **how, "Period": self.period_seconds}
