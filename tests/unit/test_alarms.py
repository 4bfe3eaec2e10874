"""Every alarm of every stage: it is raised once by what it watches for, not before, and it ends."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.package import PROJECT_ROOT, build_package
from infra.template import STAGES
from infra.template.alarm import Alarm
from infra.template.alarms import alarms
from infra.template.document import TemplateError
from infra.template.metrics import Metric
from tests.alarm_stories import resolved, story_of
from tests.cloudwatch import Recorded, State, is_documented, next_state, period_minutes, points, watched
from tests.unit.test_runbooks import anchors

GOOD_PERIODS = 20
ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]


@pytest.fixture(scope="module", params=STAGES)
def template(request: pytest.FixtureRequest) -> Json:
    return build_package(request.param, PROJECT_ROOT / ".arena" / "build", lambda _: None).template


def in_template(template: Json) -> Iterator[tuple[str, Json]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            yield name, resource["Properties"]


def told(alarm_id: str, alarm: Json, bad_periods: int) -> list[State]:
    """States after each period: good ones, so many bad ones, good ones."""
    story, of = story_of(alarm_id)
    recorded, length = Recorded(), period_minutes(alarm)
    plan = [False] * GOOD_PERIODS + [True] * bad_periods + [False] * (alarm["EvaluationPeriods"] + 2)
    states: list[State] = ["INSUFFICIENT_DATA"]
    for number, is_bad in enumerate(plan):
        # One run a period, as of a schedule; what happens by the minute happens in the period's first.
        story.minute(recorded, of, number * length, is_bad)
        states.append(next_state(alarm, points(alarm, recorded, (number + 1) * length), states[-1]))
    assert recorded.samples.keys() >= {watched(alarm)}, f"nobody publishes {watched(alarm)}"
    return states[1:]


def test_each_alarm_is_raised_once_and_ends(template: Json) -> None:
    found = dict(in_template(template))
    assert len(found) > 60
    for alarm_id, properties in found.items():
        alarm, story = resolved(properties), story_of(alarm_id)[0]
        states = told(alarm_id, alarm, story.bad_minutes)
        assert states[GOOD_PERIODS - 1] == "OK", alarm_id
        raised = states.index("ALARM") - GOOD_PERIODS + 1 if "ALARM" in states else None
        assert raised == story.bad_minutes, f"{alarm_id} is raised after {raised} bad periods"
        after = states[GOOD_PERIODS + story.bad_minutes - 1 :]
        assert after[-1] == "OK", alarm_id
        # Once: it does not go back and forth.
        assert "ALARM" not in after[after.index("OK") :], alarm_id


def test_no_alarm_is_raised_by_less(template: Json) -> None:
    for alarm_id, properties in in_template(template):
        alarm, story = resolved(properties), story_of(alarm_id)[0]
        assert "ALARM" not in told(alarm_id, alarm, story.bad_minutes - 1), alarm_id


def test_what_they_watch_is_what_is_published(template: Json) -> None:
    """The arena's own are held to the published lines by their stories."""
    for alarm_id, properties in in_template(template):
        namespace, name, dimensions = watched(resolved(properties))
        if namespace.startswith("AWS/"):
            assert is_documented(namespace, name, (one for one, _ in dimensions)), alarm_id


def test_every_function_queue_and_schedule_has_its_alarms(template: Json) -> None:
    ids = {name for name, _ in in_template(template)}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            assert {f"{name}ErrorsAlarm", f"{name}ThrottlesAlarm", f"{name}DurationAlarm"} <= ids
            events = resource["Properties"].get("Events", {}).values()
            assert (f"{name}SilentAlarm" in ids) == any(event["Type"] == "Schedule" for event in events)
        if resource["Type"] == "AWS::SQS::Queue":
            assert f"{name}Alarm" in ids


def test_an_alarm_tells_whom_it_shall_and_what_to_do(template: Json) -> None:
    actions = {"Fn::If": ["AlarmTopicIsGiven", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    for alarm_id, properties in in_template(template):
        assert properties["AlarmActions"] == properties["OKActions"] == actions
        description = resolved(properties)["AlarmDescription"]
        matched = re.fullmatch(r"(page|ticket): \S.*\. https://runbooks\.example/(\S+\.md)#(\S+)", description)
        assert matched is not None, description
        assert matched[3] in anchors(ROOT / matched[2]), f"{alarm_id}: {matched[2]} has no heading {matched[3]}"
        assert len(description) <= 1024


def test_an_alarm_s_numbers_fit_together() -> None:
    metric = Metric(namespace="AWS/Lambda", name="Errors", statistic="Sum")
    fine: dict[str, Any] = {"id": "A", "watches": metric, "is_": "above", "threshold": 0, "severity": "ticket"}
    more: dict[str, Any] = {"meaning": "m", "runbook": "r.md#r"}
    with pytest.raises(ValueError, match="1 <= to_alarm <= periods"):
        Alarm(**fine, **more, periods=3, to_alarm=4)
    with pytest.raises(ValueError, match="at most seven days"):
        Alarm(**fine, **more, periods=8, to_alarm=1, period_seconds=86_400)


def test_a_schedule_that_can_t_be_read_is_refused() -> None:
    template = json.loads((ROOT / "tests/unit/golden/built-dev.json").read_text())
    event = template["Resources"]["Sweep"]["Properties"]["Events"]["SweepEvent"]["Properties"]

    def silent(schedule: str) -> tuple[int, int]:
        event["Schedule"] = schedule
        (found,) = [one for one in alarms(template, STAGES["dev"]) if one.id == "SweepSilentAlarm"]
        return found.period_seconds, found.periods

    assert silent("rate(2 hours)") == (7_200, 3)
    assert silent("cron(7 * * * ? *)") == (3_600, 3)
    assert silent("cron(30 3 * * ? *)") == (86_400, 2)
    with pytest.raises(TemplateError, match="how often"):
        silent("cron(0 3 ? * MON *)")
