"""The template's alarms in LocalStack's CloudWatch, which evaluates them itself, by the same stories.

One alarm of each kind, because an evaluation takes LocalStack a second; and not those of percentiles and expressions,
which it does not evaluate. ``tests/unit/test_alarms.py`` has all of them.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from infra.package import PROJECT_ROOT, build_package
from tests.alarm_stories import resolved, story_of
from tests.cloudwatch import Recorded, period_minutes
from tests.localstack.running import RunningLocalStack, eventually, running_localstack

GOOD, BAD, SILENT = "eu-west-1", "us-east-1", "eu-central-1"
"""Regions whose metrics are fine, are not, and are not published."""
BATCH = 500
AT_ONCE = 4
"""Alarms put before their states are waited for: one that long waits for its turn finds the newest minutes empty. So
those that were looked at go: they would be evaluated again and again before it, and by then find nothing new."""

Json = dict[str, Any]


@pytest.fixture(scope="module")
def alarms() -> dict[str, Json]:
    """By logical id, those with a plain statistic, one for each metric and period."""
    resources = build_package("staging", PROJECT_ROOT / ".arena" / "build", lambda _: None).template["Resources"]
    found = {name: row["Properties"] for name, row in resources.items() if row["Type"] == "AWS::CloudWatch::Alarm"}
    plain = {name: row for name, row in found.items() if "Statistic" in row}
    kinds = {(row["Namespace"], row["MetricName"], row["Period"]): name for name, row in plain.items()}
    return {name: resolved(plain[name]) for name in kinds.values()}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLocalStack]:
    """One that publishes its queues' metrics each second."""
    directory = tmp_path_factory.mktemp("localstack")
    with running_localstack(directory, SQS_CLOUDWATCH_METRICS_REPORT_INTERVAL="1") as running:
        yield running


def put(client: Any, recorded: Recorded, ends: datetime, minutes: int) -> None:
    """Puts what was recorded, so that minute number ``minutes`` - 1 has just ended."""
    data: dict[str, list[Json]] = {}
    for (namespace, name, dimensions), series in recorded.samples.items():
        for minute, values in series.items():
            datum = {
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in sorted(dimensions)],
                # In the middle: the evaluation begins some time after.
                "Timestamp": ends - timedelta(minutes=minutes - minute - 0.5),
            }
            data.setdefault(namespace, []).extend({**datum, "Value": value} for value in values)
    for namespace, rows in data.items():
        for first in range(0, len(rows), BATCH):
            client.put_metric_data(Namespace=namespace, MetricData=rows[first : first + BATCH])


def told(alarm_id: str, alarm: Json, is_bad: bool) -> tuple[Recorded, int]:
    """What was published over the whole range an alarm looks at, and how many minutes that is."""
    story, of = story_of(alarm_id)
    recorded, length = Recorded(), period_minutes(alarm)
    periods = min(alarm["EvaluationPeriods"], 15) + 5
    for number in range(periods):
        story.minute(recorded, of, number * length, is_bad)
    return recorded, periods * length


@pytest.mark.parametrize(("region", "state"), [(GOOD, "OK"), (BAD, "ALARM"), (SILENT, "ALARM")])
def test_an_alarm_of_each_kind(cloud: RunningLocalStack, alarms: dict[str, Json], region: str, state: str) -> None:
    client = cloud.client("cloudwatch", region)
    silence = {name for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"}
    chosen = set(alarms) if region == GOOD else silence if region == SILENT else set(alarms) - silence
    assert len(silence) >= 4
    assert len(chosen - silence) > 20 or region == SILENT

    def others(wanted: Sequence[str]) -> dict[str, str]:
        pages = client.get_paginator("describe_alarms").paginate()
        found = {row["AlarmName"]: row["StateValue"] for page in pages for row in page["MetricAlarms"]}
        return {name: found.get(name, "none") for name in wanted if found.get(name) != state}

    ordered = sorted(chosen)
    for some in (ordered[first : first + AT_ONCE] for first in range(0, len(ordered), AT_ONCE)):
        for alarm_id in some:
            recorded, minutes = told(alarm_id, alarms[alarm_id], region != GOOD)
            put(client, recorded, datetime.now(UTC), minutes)
            client.put_metric_alarm(AlarmName=alarm_id, **alarms[alarm_id])
        eventually(partial(others, some), lambda found: not found)
        client.delete_alarms(AlarmNames=some)


def test_a_letter_that_dies_raises_the_alarm_of_its_queue(cloud: RunningLocalStack, alarms: dict[str, Json]) -> None:
    """From the message itself: LocalStack counts it and publishes the number."""
    region = "ap-southeast-1"
    sqs, cloudwatch = cloud.client("sqs", region), cloud.client("cloudwatch", region)
    alarm = next(row for name, row in alarms.items() if name.endswith("DeadLetterQueueAlarm"))
    (dimension,) = alarm["Dimensions"]
    url = sqs.create_queue(QueueName=dimension["Value"])["QueueUrl"]
    cloudwatch.put_metric_alarm(AlarmName="before", **alarm)

    def state(name: str) -> str:
        (row,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(row["StateValue"])

    eventually(lambda: state("before"), lambda found: found == "OK")
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"requestId": "r1"}))
    query = {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}

    def counted() -> float:
        now = datetime.now(UTC)
        found = cloudwatch.get_metric_statistics(
            **query, StartTime=now - timedelta(minutes=5), EndTime=now, Period=60, Statistics=["Maximum"]
        )
        return max((row["Maximum"] for row in found["Datapoints"]), default=0.0)

    eventually(counted)
    # LocalStack evaluates an alarm when it is put, and then once in all its periods.
    cloudwatch.put_metric_alarm(AlarmName="after", **alarm)
    eventually(lambda: state("after"), lambda found: found == "ALARM")
