"""A creation or an update by CloudFormation that fails is undone, and breaks nothing that serves."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localstack.running import Function, RunningLocalStack, eventually
from tests.localstack.stacks import (
    POLICY,
    WEB,
    Stack,
    function_of,
    get,
    managed_policy,
    named_after,
    policies_of,
    queue,
    role,
    service,
    unmakeable,
    user,
)

Way = Callable[..., str]
CREATIONS: dict[str, Callable[[Stack], Way]] = {
    "create-stack": lambda stack: stack.create,
    "change-set": lambda stack: stack.create_by_change_set,
}
UPDATES: dict[str, Callable[[Stack], Way]] = {
    "update-stack": lambda stack: stack.update,
    "change-set": lambda stack: stack.update_by_change_set,
}


def is_there(localstack: RunningLocalStack, queue_url: str) -> bool:
    try:
        localstack.client("sqs").get_queue_attributes(QueueUrl=queue_url)
    except ClientError:
        return False
    return True


@pytest.mark.parametrize("way", CREATIONS)
def test_a_creation_that_failed_leaves_nothing(localstack: RunningLocalStack, way: str) -> None:
    """No function, no environment kept warm for it, and a stack that can be deleted."""
    stack = Stack(localstack)
    vain = {"Vain": named_after("Unmakeable"), "VainToo": named_after("Vain.QueueName")}
    resources = service(WEB) | {"Queue": queue(), "Unmakeable": unmakeable()} | vain
    outputs = {"Vain": {"Value": {"Fn::GetAtt": ["Vain", "QueueName"]}}}
    assert CREATIONS[way](stack)(resources, Outputs=outputs) == "ROLLBACK_COMPLETE"
    assert "NoSuchBucket" in stack.reason()
    assert not is_there(localstack, stack.made("Queue"))
    functions = {found["FunctionName"] for found in localstack.client("lambda").list_functions()["Functions"]}
    assert stack.made("Fn") not in functions
    eventually(Function(localstack, stack.made("Fn")).processes, lambda found: not found)
    assert stack.delete() == "DELETE_COMPLETE"
    assert stack.statuses()[-4:] == [
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


@pytest.mark.parametrize("way", CREATIONS)
def test_a_function_that_cannot_start_fails_the_creation(localstack: RunningLocalStack, way: str) -> None:
    """LocalStack's alias fails without a reason."""
    stack = Stack(localstack)
    assert CREATIONS[way](stack)(service("raise ValueError('at its start')")) == "ROLLBACK_COMPLETE"
    assert "Live" in stack.reason()


def test_what_resists_the_rollback_of_a_creation_is_deleted_with_its_stack(localstack: RunningLocalStack) -> None:
    """LocalStack's users do while a policy is attached to them."""
    stack, iam = Stack(localstack), localstack.client("iam")
    managed = managed_policy(localstack)
    held = user(ManagedPolicyArns=[managed], Path={"Fn::Sub": "/${Before.QueueName}/"}) | {"DependsOn": "Queue"}
    assert (
        stack.create({"Before": queue(), "Held": held, "Queue": queue(), "Unmakeable": unmakeable()})
        == "ROLLBACK_FAILED"
    )
    assert "NoSuchBucket" in stack.reason()
    assert "Held: " in stack.reason()
    assert not is_there(localstack, stack.made("Queue"))
    iam.detach_user_policy(UserName=stack.made("Held"), PolicyArn=managed)
    assert stack.delete() == "DELETE_COMPLETE"
    assert stack.made("Held") not in {found["UserName"] for found in iam.list_users()["Users"]}


@pytest.mark.parametrize("way", UPDATES)
def test_an_update_that_failed_changes_nothing(localstack: RunningLocalStack, way: str) -> None:
    """What was made is deleted, what was replaced or left out is there, and what was changed is as it was."""
    stack, name = Stack(localstack), f"q-{uuid.uuid4().hex[:8]}"
    before = {
        "Changed": queue(VisibilityTimeout=11),
        "Dropped": queue(),
        "Replaced": queue(QueueName=name),
        "Role": role(old=POLICY),
    }
    assert stack.create(before) == "CREATE_COMPLETE"
    ids = {one: stack.physical_id(one) for one in before}
    after = {
        "Changed": queue(VisibilityTimeout=22),
        "Late": queue(),
        "Replaced": queue(QueueName=f"{name}-anew"),
        "Role": role(managed_policy(localstack)),
        "Unmakeable": unmakeable(),
    }
    assert UPDATES[way](stack)(after) == "UPDATE_ROLLBACK_COMPLETE"
    assert "NoSuchBucket" in stack.reason()
    assert {one: stack.physical_id(one) for one in before} == ids
    assert policies_of(localstack, ids["Role"]) == {"old"}
    assert is_there(localstack, ids["Dropped"])
    assert is_there(localstack, ids["Replaced"])
    assert not is_there(localstack, stack.made("Late"))
    assert not is_there(localstack, f"{ids['Replaced']}-anew")
    assert timeout(localstack, ids["Changed"]) == "11"


@pytest.mark.parametrize("way", UPDATES)
def test_the_update_after_one_that_failed(localstack: RunningLocalStack, way: str) -> None:
    """Planned first, it changes what the template before the failed one did not say; then all goes with the stack."""
    stack = Stack(localstack)
    assert stack.create({"Dropped": queue(), "First": queue()}) == "CREATE_COMPLETE"
    dropped = stack.physical_id("Dropped")
    late = {"First": queue(), "Late": queue(VisibilityTimeout=33)}
    for _ in range(2):
        assert UPDATES[way](stack)(late | {"Unmakeable": unmakeable()}) == "UPDATE_ROLLBACK_COMPLETE"
    stack.plan(late)
    assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
    assert UPDATES[way](stack)(late) == "UPDATE_COMPLETE"
    assert not is_there(localstack, dropped)
    urls = [stack.physical_id(one) for one in late]
    assert timeout(localstack, urls[1]) == "33"
    assert stack.delete() == "DELETE_COMPLETE"
    assert not any(is_there(localstack, url) for url in urls)


def test_a_release_that_failed_serves_nobody(localstack: RunningLocalStack) -> None:
    """The alias, the API, the timer and the alarm are those of the release before."""
    stack = Stack(localstack)
    assert stack.create(service(WEB)) == "CREATE_COMPLETE"
    function = function_of(localstack, stack)
    function.scale(2)
    failing = service(WEB + "# changed", path="/new", rate="rate(7 minutes)", threshold=5)
    assert stack.update(failing | {"Unmakeable": unmakeable()}) == "UPDATE_ROLLBACK_COMPLETE"
    assert function.api.get_alias(FunctionName=function.name, Name="live")["FunctionVersion"] == "1"
    eventually(function.provisioned, lambda found: found == kept(2))
    eventually(lambda: function.processes("2"), lambda found: not found)
    answer = json.loads(get(f"{localstack.url}/_aws/execute-api/{stack.physical_id('Api')}/api/old"))
    assert (answer["version"], answer["init"]) == ("1", "provisioned-concurrency")
    rule = localstack.client("events").describe_rule(Name=stack.physical_id("Timer"))
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    (alarm,) = localstack.client("cloudwatch").describe_alarms(AlarmNames=[stack.physical_id("Alarm")])["MetricAlarms"]
    assert alarm["Threshold"] == 1
    assert stack.update(failing) == "UPDATE_COMPLETE"
    answer = json.loads(get(f"{localstack.url}/_aws/execute-api/{stack.physical_id('Api')}/api/new"))
    assert answer["init"] == "provisioned-concurrency"
    assert answer["version"] != "1"


@pytest.mark.parametrize("changed", [None, 3])
def test_a_number_that_a_failed_update_changed_is_as_it_was(localstack: RunningLocalStack, changed: int | None) -> None:
    """Also where it kept none warm."""
    stack = Stack(localstack)
    assert stack.create(service(WEB)) == "CREATE_COMPLETE"
    failing = service(WEB, provisioned=changed) | {"Unmakeable": unmakeable()}
    assert stack.update(failing) == "UPDATE_ROLLBACK_COMPLETE"
    function = function_of(localstack, stack)
    eventually(function.provisioned, lambda found: found == kept(1))
    eventually(lambda: len(function.processes()), lambda count: count == 1)


def kept(count: int) -> dict[str, Any]:
    """What is said of environments that are all ready."""
    return {"status": "READY", "requested": count, "allocated": count, "available": count}


def timeout(localstack: RunningLocalStack, queue_url: str) -> str:
    """A queue's visibility timeout, seconds."""
    asked = localstack.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["VisibilityTimeout"])
    return str(asked["Attributes"]["VisibilityTimeout"])
