"""Stacks through change sets, against a scripted CloudFormation and a clock that only the code moves."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.release import DeployError
from infra.stacks import Pace, Stacks
from infra.template import STAGES
from infra.watching import MINUTES, WATCHED, watch_for

NAME = "arena"


class Clock:
    """Sleeping moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@dataclass
class ScriptedCloudFormation:
    """Answers with the scripted statuses, the last one for ever; records what it was told to do."""

    statuses: list[str | None]
    change_set: dict[str, Any] = field(default_factory=lambda: {"Status": "CREATE_COMPLETE", "Changes": []})
    events: list[dict[str, Any]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 (botocore's names)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            error = {"Error": {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}}
            raise ClientError(error, "DescribeStacks")
        parameters = [{"ParameterKey": "A", "ParameterValue": "1"}]
        return {"Stacks": [{"StackStatus": status, "Parameters": parameters}]}

    def create_change_set(self, **arguments: Any) -> dict[str, str]:
        self.told.append(f"plan {arguments['ChangeSetType']}")
        self.watched = arguments.get("RollbackConfiguration")
        return {"Id": "change-set"}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        return self.change_set

    def delete_change_set(self, **_: Any) -> None:
        self.told.append("discard")

    def execute_change_set(self, **_: Any) -> None:
        self.told.append("execute")
        self.events = self.events_after

    def delete_stack(self, **_: Any) -> None:
        self.told.append("delete")

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        return {"StackEvents": list(reversed(self.events))}

    def get_paginator(self, operation: str) -> Any:
        pages = {"list_stack_resources": self._resource_pages, "describe_stack_events": self._event_pages}
        return SimpleNamespace(paginate=lambda **_: pages[operation]())

    def _event_pages(self) -> list[dict[str, Any]]:
        return [{"StackEvents": [one]} for one in reversed(self.events)]

    def _resource_pages(self) -> list[dict[str, Any]]:
        rows = [
            {"LogicalResourceId": one, "PhysicalResourceId": f"arena-{one}", "ResourceType": "AWS::CloudWatch::Alarm"}
            for one in self.alarms
        ]
        other = {"LogicalResourceId": "Queue", "PhysicalResourceId": "q", "ResourceType": "AWS::SQS::Queue"}
        unmade = {"LogicalResourceId": "Unmade", "ResourceType": "AWS::CloudWatch::Alarm"}
        return [{"StackResourceSummaries": [*rows, other, unmade]}]

    events_after: list[dict[str, Any]] = field(default_factory=list)
    watched: Any = None
    alarms: tuple[str, ...] = ()


def stacks(client: ScriptedCloudFormation, said: list[str]) -> Stacks:
    clock = Clock()
    return Stacks(client, said.append, Pace(1, 60, sleep=clock.sleep, monotonic=clock.monotonic))


def event(identity: str, logical_id: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "EventId": identity,
        "LogicalResourceId": logical_id,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "ResourceType": "AWS::X",
    }


def test_a_stack_that_never_worked_is_deleted_and_said_to_be() -> None:
    client, said = ScriptedCloudFormation(["ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", None]), list[str]()
    assert stacks(client, said).prepare(NAME) is None
    assert client.told == ["delete"]
    assert "ROLLBACK_COMPLETE" in said[0]
    assert "deleting" in said[0]


def deletion_error(*events: dict[str, Any]) -> str:
    """What is said of a deletion that these events tell of, after one that failed before."""
    client = ScriptedCloudFormation(["ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_FAILED"])
    before = [event("a", NAME, "DELETE_IN_PROGRESS"), event("b", "Queue", "DELETE_FAILED", "held the last time")]
    client.events = [*before, event("c", NAME, "DELETE_IN_PROGRESS"), *events]
    with pytest.raises(DeployError) as caught:
        stacks(client, []).prepare(NAME)
    return str(caught.value)


def test_a_deletion_that_fails_names_what_resists_and_nothing_older() -> None:
    said = deletion_error(
        event("1", "Bucket", "DELETE_FAILED", "not empty"),
        event("2", "Role", "DELETE_FAILED", "in use"),
        event("3", "Key", "DELETE_FAILED", "Resource deletion cancelled"),
        event("4", NAME, "DELETE_FAILED", "of Bucket and Role"),
    )
    assert "can't be deleted:\n  - Bucket (AWS::X): not empty\n  - Role (AWS::X): in use\nhint" in said


def test_a_deletion_that_fails_for_no_resource_gives_the_stacks_reason() -> None:
    said = deletion_error(event("1", NAME, "DELETE_FAILED", "its role is gone"))
    assert f"can't be deleted:\n  - {NAME} (AWS::X): its role is gone\nhint" in said


def test_a_stack_that_others_build_on_is_waited_for() -> None:
    state = stacks(ScriptedCloudFormation([*["CREATE_IN_PROGRESS"] * 3, "CREATE_COMPLETE"]), []).working(NAME)
    assert state is not None
    assert state.status == "CREATE_COMPLETE"
    for nothing in (None, "REVIEW_IN_PROGRESS"):
        assert stacks(ScriptedCloudFormation([nothing]), []).working(NAME) is None
    with pytest.raises(DeployError, match="is in ROLLBACK_COMPLETE"):
        stacks(ScriptedCloudFormation(["ROLLBACK_COMPLETE"]), []).working(NAME)


def test_an_operation_at_work_is_waited_for() -> None:
    client, said = ScriptedCloudFormation([*["UPDATE_IN_PROGRESS"] * 3, "UPDATE_COMPLETE"]), list[str]()
    state = stacks(client, said).prepare(NAME)
    assert state is not None
    assert (state.status, state.parameters) == ("UPDATE_COMPLETE", {"A": "1"})
    assert len(said) == 1


def test_waiting_ends() -> None:
    with pytest.raises(DeployError, match="longer than 60 s"):
        stacks(ScriptedCloudFormation(["UPDATE_IN_PROGRESS"]), []).prepare(NAME)


@pytest.mark.parametrize(
    ("status", "way_out"), [("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"), ("UPDATE_FAILED", "rollback-stack")]
)
def test_what_was_not_rolled_back_needs_a_person(status: str, way_out: str) -> None:
    client = ScriptedCloudFormation([status])
    with pytest.raises(DeployError, match=way_out):
        stacks(client, []).prepare(NAME)
    assert client.told == []


def test_a_stack_left_by_planning_is_created() -> None:
    assert stacks(ScriptedCloudFormation(["REVIEW_IN_PROGRESS"]), []).prepare(NAME) is None


def test_a_plan_names_resources_and_changed_parameters() -> None:
    rows = [
        {"Action": "Modify", "Replacement": "True", "LogicalResourceId": "R", "ResourceType": "T"},
        {"Action": "Modify", "Replacement": "False", "LogicalResourceId": "M", "ResourceType": "T"},
        {"Action": "Add", "LogicalResourceId": "C", "ResourceType": "T"},
        {"Action": "Remove", "LogicalResourceId": "D", "ResourceType": "T"},
    ]
    client = ScriptedCloudFormation(["UPDATE_COMPLETE"])
    client.change_set["Changes"] = [{"ResourceChange": row} for row in rows]
    service = stacks(client, [])
    plan = service.plan(NAME, service.state(NAME), "url", {"A": "2", "B": "3"}, "label")
    assert {change.logical_id: change.action for change in plan.changes} == {
        "R": "replaced",
        "M": "modified",
        "C": "created",
        "D": "removed",
    }
    assert plan.parameters == {"A": ("1", "2"), "B": (None, "3")}
    assert client.told == ["plan UPDATE"]


def test_a_plan_without_a_change_is_empty() -> None:
    client = ScriptedCloudFormation(["UPDATE_COMPLETE"])
    client.change_set = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
    service = stacks(client, [])
    assert service.plan(NAME, service.state(NAME), "url", {}, "label").change_set_id is None
    assert client.told == ["plan UPDATE", "discard"]


def test_a_plan_that_is_refused_says_why() -> None:
    client = ScriptedCloudFormation(["UPDATE_COMPLETE"])
    client.change_set = {"Status": "FAILED", "StatusReason": "Template format error"}
    service = stacks(client, [])
    with pytest.raises(DeployError, match="Template format error"):
        service.plan(NAME, service.state(NAME), "url", {}, "label")


def test_discarding_a_creation_leaves_no_stack() -> None:
    client = ScriptedCloudFormation([None])
    service = stacks(client, [])
    service.discard(service.plan(NAME, None, "url", {}, "label"))
    assert client.told == ["plan CREATE", "discard", "delete"]


def test_progress_is_told_now_and_then_without_what_happened_before() -> None:
    busy = ["CREATE_IN_PROGRESS"] * 20
    client, said = ScriptedCloudFormation([None, *busy, "CREATE_COMPLETE"]), list[str]()
    added = {"Action": "Add", "ResourceType": "T"}
    client.change_set["Changes"] = [{"ResourceChange": {**added, "LogicalResourceId": name}} for name in "AB"]
    old = event("0", "Old", "CREATE_COMPLETE")
    client.events, client.events_after = [old], [old, event("1", "Bucket", "CREATE_COMPLETE")]
    service = stacks(client, said)
    assert service.state(NAME) is None
    service.execute(service.plan(NAME, None, "url", {}, "label"))
    assert set(said) == {"1 of 2 resources done"}
    assert 1 <= len(said) < len(busy)


def test_a_failure_gives_causes_and_not_consequences() -> None:
    client = ScriptedCloudFormation(["UPDATE_ROLLBACK_COMPLETE"])
    client.events_after = [
        event("1", "Alias", "UPDATE_FAILED", "no capacity"),
        event("2", "Rule", "CREATE_FAILED", "Resource creation cancelled"),
        event("3", NAME, "UPDATE_FAILED", "of Alias"),
    ]
    service = stacks(client, [])
    with pytest.raises(DeployError) as caught:
        service.execute(service.plan(NAME, service.state(NAME), "url", {}, "label"))
    assert "UPDATE_ROLLBACK_COMPLETE" in str(caught.value)
    assert "Alias (AWS::X): no capacity" in str(caught.value)
    assert "cancelled" not in str(caught.value)
    assert "of Alias" not in str(caught.value)


def test_a_failure_of_no_resource_gives_the_stacks_reason() -> None:
    client = ScriptedCloudFormation(["ROLLBACK_FAILED"], events_after=[event("1", NAME, "CREATE_FAILED", "no role")])
    service = stacks(client, [])
    with pytest.raises(DeployError, match="no role"):
        service.execute(service.plan(NAME, None, "url", {}, "label"))


@pytest.mark.parametrize(
    ("stage", "alarms", "watched"),
    [
        ("prod", WATCHED, 4),
        ("prod", ("RestAPIErrorsAlarm", "LiveQueueAgeAlarm"), 1),
        ("prod", (), 0),
        ("dev", WATCHED, 0),
    ],
)
def test_alarms_of_what_players_feel_watch_a_change(stage: str, alarms: tuple[str, ...], watched: int) -> None:
    client = ScriptedCloudFormation(["UPDATE_COMPLETE"], alarms=alarms)
    these = stacks(client, [])
    watch = watch_for(these, STAGES[stage], "eu-west-1", "123456789012", "aws")
    these.plan(NAME, these.state(NAME), "url", {}, "label", watch)
    if not watched:
        assert (watch, client.watched) == (None, None)
        return
    assert client.watched["MonitoringTimeInMinutes"] == MINUTES
    arns = [row["Arn"] for row in client.watched["RollbackTriggers"]]
    assert len(arns) == watched <= 5
    assert arns[0] == "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:arena-RestAPIErrorsAlarm"
