"""The region's CloudWatch dashboard, as data.

Body: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chalicelib.monitoring.battle_queue import METRIC as BATTLE_QUEUE_LENGTH
from chalicelib.monitoring.battle_queue import NAMESPACE
from infra.template.alarm import ALARM_TYPE, ALARMS_WANTED
from infra.template.document import FUNCTION_TYPE, Json, add_resource, resources_of_type
from infra.template.functions import API_FUNCTION
from infra.template.metrics import API_METRICS, Metric, of_alias, of_arena, of_lambda, of_queue
from infra.template.parameters import DASHBOARD
from infra.template.queues import QUEUES
from infra.template.region_alarms import METRICS_FUNCTION
from infra.template.routes import separate_functions

DASHBOARD_ID: Final = "RegionDashboard"
DASHBOARD_WANTED: Final = "DashboardIsWanted"
WIDTH: Final = 24
HEIGHT: Final = 6
ALARMS_SHOWN_MAX: Final = 100
"""CloudWatch's limit for one widget."""


@dataclass(frozen=True, slots=True)
class Line:
    """A series, and how it is called. A line with an ``expression`` is calculated from others by their ids."""

    label: str
    metric: Metric | None = None
    expression: str = ""
    id: str = ""
    hidden: bool = False
    right: bool = False
    """Drawn by the right axis."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One widget."""

    title: str
    lines: Sequence[Line]
    unit: str
    """What the left axis counts."""


def complete_dashboard(template: Json) -> None:
    """Adds the dashboard to ``template``, in place. After the alarms, whose states it shows."""
    wanted = [{"Fn::Equals": [{"Ref": DASHBOARD}, "on"]}, {"Condition": ALARMS_WANTED}]
    template.setdefault("Conditions", {})[DASHBOARD_WANTED] = {"Fn::And": wanted}
    dashboard = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Condition": DASHBOARD_WANTED,
        "Properties": {
            # An account has one dashboard of a name, whatever the region.
            "DashboardName": {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"},
            "DashboardBody": {"Fn::Sub": json.dumps(body(template))},
        },
    }
    add_resource(template, DASHBOARD_ID, dashboard)


def body(template: Json) -> Json:
    """The dashboard of a completed template, with references as ``Fn::Sub`` writes them."""
    alarms = [alarm_id for alarm_id, _ in resources_of_type(template, ALARM_TYPE)]
    widgets, top = [], 0
    for first in range(0, len(alarms), ALARMS_SHOWN_MAX):
        shown = alarms[first : first + ALARMS_SHOWN_MAX]
        tall = HEIGHT // 2 * (1 + len(shown) // 30)
        widgets.append(_alarm_states(shown, top, tall))
        top += tall
    for title, charts in rows(template):
        widgets.append(_widget("text", {"markdown": f"## {title}"}, 0, top, WIDTH, 1))
        width = WIDTH // len(charts)
        for number, chart in enumerate(charts):
            widgets.append(_widget("metric", _drawn(chart), number * width, top + 1, width, HEIGHT))
        top += 1 + HEIGHT
    return {"start": "-PT3H", "periodOverride": "inherit", "widgets": widgets}


def rows(template: Json) -> Iterator[tuple[str, Sequence[Chart]]]:
    """Charts side by side, under a title."""
    functions = [function_id for function_id, _ in resources_of_type(template, FUNCTION_TYPE)]
    queues = [queue for queue in QUEUES if queue.logical_id in template["Resources"]]
    yield "API", _api()
    yield "Environments", _environments()
    separate = separate_functions(template)
    if separate:
        yield "Separate functions", _separate(separate)
    yield "Functions", _functions(functions)
    if queues:
        ages = [Line(one.name, of_queue("ApproximateAgeOfOldestMessage", one.logical_id)) for one in queues]
        waiting = [Line(one.name, of_queue("ApproximateNumberOfMessagesVisible", one.logical_id)) for one in queues]
        dead = [Line(one.name, of_queue("ApproximateNumberOfMessagesVisible", one.dead_letter_id)) for one in queues]
        yield (
            "Queues",
            (
                Chart("Messages waiting", waiting, "messages"),
                Chart("Age of the oldest", ages, "s"),
                Chart("Dead letters", dead, "messages"),
            ),
        )
    if METRICS_FUNCTION in functions:
        yield "Battles", _battles()
        yield "Cache, database, replication", _stores()


def _api() -> Sequence[Chart]:
    def of(name: str, statistic: str) -> Metric:
        return replace(API_METRICS, name=name, statistic=statistic)

    return (
        Chart("Requests", (Line("requests", of("Count", "Sum")),), "requests a minute"),
        Chart(
            "Errors",
            (
                Line("5xx", of("5XXError", "Sum")),
                Line("4xx", of("4XXError", "Sum")),
                Line("5xx of the application, %", of_arena("ErrorRate", "Average"), right=True),
            ),
            "answers a minute",
        ),
        Chart("Latency", [Line(one, of("Latency", one)) for one in ("p50", "p95", "p99")], "ms"),
    )


def _environments() -> Sequence[Chart]:
    def of(name: str, statistic: str) -> Metric:
        return of_alias(API_FUNCTION, name, statistic)

    in_use, share = of("ProvisionedConcurrentExecutions", "Maximum"), of("ProvisionedConcurrencyUtilization", "Maximum")
    return (
        Chart(
            "Provisioned and concurrent",
            (
                # Lambda tells how many are in use and what share that is, not how many there are.
                Line("provisioned", expression="IF(share > 0, used / share)"),
                Line("provisioned in use", in_use, id="used"),
                Line("utilization", share, id="share", hidden=True),
                Line("concurrent", of("ConcurrentExecutions", "Maximum")),
            ),
            "environments",
        ),
        Chart(
            "Utilization and spillover",
            (
                Line("utilization", share),
                Line("spilled", of("ProvisionedConcurrencySpilloverInvocations", "Sum"), right=True),
            ),
            "share",
        ),
        Chart(
            "The account",
            (Line("claimed", of_lambda("ClaimedAccountConcurrency", "Maximum", {})),),
            "concurrent executions",
        ),
    )


def _separate(kept_warm: Mapping[str, int]) -> Sequence[Chart]:
    def each(name: str, statistic: str) -> list[Line]:
        return [Line(one, of_alias(one, name, statistic)) for one in kept_warm]

    return (
        Chart("Utilization", each("ProvisionedConcurrencyUtilization", "Maximum"), "share"),
        Chart("Spilled", each("ProvisionedConcurrencySpilloverInvocations", "Sum"), "requests a minute"),
        Chart("Concurrent", each("ConcurrentExecutions", "Maximum"), "environments"),
    )


def _functions(functions: Sequence[str]) -> Sequence[Chart]:
    def each(name: str, statistic: str) -> list[Line]:
        return [Line(one, of_lambda(name, statistic, {"FunctionName": {"Ref": one}})) for one in functions]

    return (
        Chart("Errors", each("Errors", "Sum"), "invocations a minute"),
        Chart("Throttles", each("Throttles", "Sum"), "invocations a minute"),
        Chart("Longest", each("Duration", "Maximum"), "ms"),
    )


def _battles() -> Sequence[Chart]:
    search = f'{{{NAMESPACE},region,arena,league}} MetricName="{BATTLE_QUEUE_LENGTH}" region="${{AWS::Region}}"'
    latencies = [
        Line(kind, of_arena("ProcessingLatency", "p95", operation=kind))
        for kind in ("http", "queue", "schedule", "websocket")
    ]
    return (
        Chart(
            "Queued, by arena and league",
            (Line("", expression=f"SEARCH('{search}', 'Maximum', 60)"),),
            "battles",
        ),
        Chart("95th percentile of the time work takes", latencies, "s"),
        Chart(
            "Requests and connections",
            (
                Line("requests per second", of_arena("RequestRate", "Average")),
                Line("connections", of_arena("ActiveConnections", "Maximum"), right=True),
                Line("environments", of_arena("Instances", "Maximum"), right=True),
            ),
            "1/s",
        ),
    )


def _stores() -> Sequence[Chart]:
    return (
        Chart("Cache hits", (Line("hit rate", of_arena("CacheHitRate", "Average")),), "%"),
        Chart(
            "Cache up, breakers open",
            (
                Line("answers", of_arena("CacheUp", "Minimum")),
                Line("breakers open", of_arena("CacheBreakersOpen", "Maximum")),
            ),
            "",
        ),
        Chart("Database commands not carried out", (Line("errors", of_arena("DatabaseErrorRate", "Average")),), "%"),
        Chart(
            "Not sent to other regions",
            (
                Line("oldest, s", of_arena("ReplicationOldestWaiting", "Maximum")),
                Line("events", of_arena("ReplicationWaiting", "Maximum"), right=True),
                Line("set aside", of_arena("ReplicationSetAside", "Maximum"), right=True),
                Line("differences", of_arena("ReplicationDifferences", "Sum"), right=True),
            ),
            "s",
        ),
    )


def _alarm_states(alarms: Sequence[str], top: int, height: int) -> Json:
    arns = [f"${{{alarm_id}.Arn}}" for alarm_id in alarms]
    shown = {"title": "Alarms", "sortBy": "stateUpdatedTimestamp", "states": ["ALARM", "INSUFFICIENT_DATA", "OK"]}
    return _widget("alarm", {**shown, "alarms": arns}, 0, top, WIDTH, height)


def _widget(kind: str, properties: Json, x: int, y: int, width: int, height: int) -> Json:
    return {"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}


def _drawn(chart: Chart) -> Json:
    return {
        "title": chart.title,
        "region": "${AWS::Region}",
        "view": "timeSeries",
        "stacked": False,
        "period": 60,
        "metrics": [_line(line) for line in chart.lines],
        "yAxis": {"left": {"min": 0, "label": chart.unit, "showUnits": False}, "right": {"min": 0, "showUnits": False}},
    }


def _line(line: Line) -> list[Any]:
    options: Json = {"label": line.label} if line.label else {}
    options |= {"id": line.id} if line.id else {}
    options |= {"visible": False} if line.hidden else {}
    options |= {"yAxis": "right"} if line.right else {}
    if line.metric is None:
        return [{"expression": line.expression, **options}]
    named = [_text(part) for pair in line.metric.dimensions.items() for part in pair]
    return [line.metric.namespace, line.metric.name, *named, {"stat": line.metric.statistic, **options}]


def _text(value: Any) -> str:
    """A reference as ``Fn::Sub`` writes it."""
    if isinstance(value, str):
        return value
    ((kind, of),) = value.items()
    return str(of) if kind == "Fn::Sub" else f"${{{of if kind == 'Ref' else '.'.join(of)}}}"
