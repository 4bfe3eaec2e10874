"""Every alarm of a stack, as one list that follows from what the template holds; docs/monitoring.md shows it.

Thresholds are of what players feel or what operators must act upon. AWS's own metrics and their dimensions:
docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, …/apigateway/latest/developerguide/
api-gateway-metrics-and-dimensions.html, …/AWSSimpleQueueService/latest/SQSDeveloperGuide/
sqs-available-cloudwatch-metrics.html. ``AibaArena`` is what schedule ``metrics`` publishes.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from infra.template.alarm import ALARMED, ALARMS_WANTED, Alarm
from infra.template.api import REST_API
from infra.template.document import FUNCTION_TYPE, Json, TemplateError, add_resource, given, resources_of_type
from infra.template.functions import API_FUNCTION
from infra.template.metrics import API_METRICS, of_alias, of_lambda, of_queue
from infra.template.parameters import ACCOUNT_CONCURRENCY, ALARM_TOPIC, ALARMS
from infra.template.queues import QUEUES
from infra.template.region_alarms import METRICS_FUNCTION, region_alarms
from infra.template.routes import separate_functions
from infra.template.stage import StageSpec

OLDEST_MESSAGE_SECONDS: Final = 600
"""A message that waits longer: the consumer does not keep up, or is not there."""
LATENCY_P99_MILLISECONDS: Final = 2_500
ERRORS_SHARE: Final = 0.05
"""Of the API's answers, those of class 5xx."""
TIMEOUT_SHARE: Final = 0.9
"""Of a function's time limit, which ends the invocation wherever it stands."""
BUSY_SHARE: Final = 0.9
"""Of provisioned environments in use; the controller aims well below."""
QUOTA_PERCENT: Final = 80

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_RATE: Final = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS: Final = {"minute": _MINUTE, "hour": _HOUR, "day": _DAY}
_DAILY: Final = re.compile(r"cron\(\d+ (\*|\d+) (\*|\?) \* (\*|\?) \*\)")
"""At one minute of every hour, or of one hour of every day."""

_PLAYERS_WAIT_FOR: Final = {"Scaling", "OutboxSweep", "BattleSweep"}
"""Schedules whose silence players feel within the hour."""


def complete_alarms(template: Json, stage: StageSpec) -> None:
    """Adds the alarms to ``template``, in place. After everything they watch."""
    template.setdefault("Conditions", {})[ALARMED] = given({"Ref": ALARM_TOPIC})
    template["Conditions"][ALARMS_WANTED] = {"Fn::Equals": [{"Ref": ALARMS}, "on"]}
    for alarm in alarms(template, stage):
        add_resource(template, alarm.id, alarm.resource())


def alarms(template: Json, stage: StageSpec) -> tuple[Alarm, ...]:
    """Of a completed template."""
    functions = dict(resources_of_type(template, FUNCTION_TYPE))
    separate = separate_functions(template)
    found = [*_api(), *_kept_warm(API_FUNCTION, "scaling does not keep up")]
    for function_id, kept in separate.items():
        found += _kept_warm(function_id, f"{kept} are not enough") if kept else ()
    found += _account()
    for function_id, function in functions.items():
        serves = function_id == API_FUNCTION or function_id in separate
        found += _function(function_id, function["Properties"], serves=serves)
    found += _queues(template)
    if METRICS_FUNCTION in functions:
        found += region_alarms(stage)
    return tuple(found)


def _api() -> Iterator[Alarm]:
    yield Alarm(
        id=f"{REST_API}ErrorsAlarm",
        # Its average is the share of requests: each counts 1 or 0.
        watches=replace(API_METRICS, name="5XXError", statistic="Average"),
        is_="above",
        threshold=ERRORS_SHARE,
        periods=5,
        to_alarm=3,
        severity="page",
        meaning=f"More than {ERRORS_SHARE:.0%} of the API's answers are errors of ours.",
        runbook="api.md#the-api-answers-with-errors",
    )
    yield Alarm(
        id=f"{REST_API}LatencyAlarm",
        watches=replace(API_METRICS, name="Latency", statistic="p99"),
        is_="above",
        threshold=LATENCY_P99_MILLISECONDS,
        periods=5,
        to_alarm=3,
        severity="page",
        meaning=f"One request in a hundred takes more than {LATENCY_P99_MILLISECONDS / 1000:g} s.",
        runbook="api.md#the-api-is-slow",
    )


def _kept_warm(function_id: str, too_few: str) -> Iterator[Alarm]:
    yield Alarm(
        id=f"{function_id}SpilloverAlarm",
        watches=of_alias(function_id, "ProvisionedConcurrencySpilloverInvocations", "Sum"),
        is_="above",
        threshold=0,
        periods=15,
        to_alarm=10,
        severity="ticket",
        meaning=f"Requests spill over to cold environments for ten minutes: {too_few}.",
        runbook="scaling.md#requests-spill-over",
    )
    yield Alarm(
        id=f"{function_id}UtilizationAlarm",
        watches=of_alias(function_id, "ProvisionedConcurrencyUtilization", "Average"),
        is_="above",
        threshold=BUSY_SHARE,
        periods=10,
        to_alarm=10,
        severity="ticket",
        meaning=f"More than {BUSY_SHARE:.0%} of the warm environments are in use for ten minutes.",
        runbook="scaling.md#warm-environments-are-used-up",
    )


def _account() -> Iterator[Alarm]:
    yield Alarm(
        id="AccountConcurrencyAlarm",
        watches=of_lambda("ClaimedAccountConcurrency", "Maximum", {}),
        is_="above",
        threshold=QUOTA_PERCENT,
        percent_of=ACCOUNT_CONCURRENCY,
        periods=5,
        to_alarm=3,
        severity="page",
        meaning=f"More than {QUOTA_PERCENT} % of the account's concurrency is claimed; at 100 % requests are refused.",
        runbook="scaling.md#the-accounts-concurrency-is-nearly-used-up",
    )


def _function(function_id: str, properties: Json, *, serves: bool) -> Iterator[Alarm]:
    """Of any function: errors, throttles, time. Of a scheduled one: that it runs."""
    of = {"FunctionName": {"Ref": function_id}}
    schedule = _schedule_seconds(function_id, properties)
    period = schedule or _MINUTE
    periods, to_alarm = (5, 3) if period == _MINUTE else (3, 2) if period < _HOUR else (1, 1)
    limit = float(properties["Timeout"])
    yield Alarm(
        id=f"{function_id}ErrorsAlarm",
        watches=of_lambda("Errors", "Sum", of),
        is_="above",
        threshold=0,
        period_seconds=period,
        periods=periods,
        to_alarm=to_alarm,
        severity="page" if serves else "ticket",
        meaning=f"{function_id} raises or runs out of time, again and again.",
        runbook="functions.md#a-function-fails",
    )
    yield Alarm(
        id=f"{function_id}ThrottlesAlarm",
        watches=of_lambda("Throttles", "Sum", of),
        is_="above",
        threshold=0,
        periods=5,
        to_alarm=3,
        severity="page" if serves else "ticket",
        meaning=f"Lambda refuses to run {function_id}: there is no concurrency left for it.",
        runbook="functions.md#a-function-is-throttled",
    )
    yield Alarm(
        id=f"{function_id}DurationAlarm",
        watches=of_lambda("Duration", "Maximum", of),
        is_="above",
        threshold=TIMEOUT_SHARE * limit * 1000,
        period_seconds=period,
        periods=periods,
        to_alarm=to_alarm,
        severity="ticket",
        meaning=f"{function_id} takes nearly the {limit:g} s it may take.",
        runbook="functions.md#a-function-takes-nearly-all-its-time",
    )
    if schedule is not None:
        silent = 5 if schedule == _MINUTE else 3 if schedule < _DAY else 2
        yield Alarm(
            id=f"{function_id}SilentAlarm",
            watches=of_lambda("Invocations", "Sum", of),
            is_="below",
            threshold=1,
            period_seconds=period,
            periods=silent,
            to_alarm=silent,
            missing="breaching",
            severity="page" if function_id in _PLAYERS_WAIT_FOR else "ticket",
            meaning=f"Schedule {function_id} does not run.",
            runbook="schedules.md#a-schedule-does-not-run",
        )


def _queues(template: Json) -> Iterator[Alarm]:
    for queue in QUEUES:
        if queue.logical_id not in template["Resources"]:
            continue
        yield Alarm(
            id=f"{queue.dead_letter_id}Alarm",
            watches=of_queue("ApproximateNumberOfMessagesVisible", queue.dead_letter_id),
            is_="above",
            threshold=0,
            periods=1,
            to_alarm=1,
            severity="ticket",
            meaning=f"Messages of queue {queue.name} were given up.",
            runbook="queues.md#messages-were-given-up",
        )
        yield Alarm(
            id=f"{queue.logical_id}Alarm",
            watches=of_queue("ApproximateAgeOfOldestMessage", queue.logical_id),
            is_="above",
            threshold=OLDEST_MESSAGE_SECONDS,
            periods=1,
            to_alarm=1,
            severity="page",
            meaning=f"Messages of queue {queue.name} wait for more than {OLDEST_MESSAGE_SECONDS} s.",
            runbook="queues.md#messages-wait-too-long",
        )


def _schedule_seconds(function_id: str, properties: Json) -> int | None:
    """Seconds between two runs; None of what no clock runs. Raises TemplateError for a schedule it can't read."""
    for event in properties.get("Events", {}).values():
        if event["Type"] == "Schedule":
            said = event["Properties"]["Schedule"]
            rate, daily = _RATE.fullmatch(said), _DAILY.fullmatch(said)
            if rate is not None:
                return int(rate[1]) * _SECONDS[rate[2]]
            if daily is not None:
                return _HOUR if daily[1] == "*" else _DAY
            raise TemplateError(f"function {function_id}: its alarms need to know how often {said} is")
    return None
