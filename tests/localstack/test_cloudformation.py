"""A redeployment by CloudFormation does what its template says, and a failed one breaks nothing."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from tests.localstack.handlers import WHO
from tests.localstack.running import Function, RunningLocalStack, eventually
from tests.localstack.stacks import Stack, named_after, queue, service, unmakeable, unsupported, user

# What an API's function must answer.
WEB = WHO.replace("return {", "return {'statusCode': 200, 'body': __import__('json').dumps({").replace(
    "    }\n", "    })}\n"
)
Way = Callable[[Stack], Callable[..., str]]
UPDATES: list[Way] = [
    lambda stack: stack.update,
    lambda stack: stack.update_by_change_set,
]
CREATIONS: list[Way] = [
    lambda stack: stack.create,
    lambda stack: stack.create_by_change_set,
]
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
ENDS = {f"{operation}_{end}" for operation in ("CREATE", "UPDATE", "DELETE") for end in ("COMPLETE", "FAILED")} | {
    "ROLLBACK_COMPLETE"
}
"""What LocalStack shows of a stack that nothing changes."""


@pytest.fixture(scope="module")
def redeployed(localstack: RunningLocalStack) -> Stack:
    """A stack deployed with one provisioned environment, scaled to two by hand, then deployed anew, all changed."""
    stack = Stack(localstack)
    assert stack.create(service(WEB) | {"Gone": queue()}) == "CREATE_COMPLETE"
    _function(localstack, stack).scale(2)
    changed = service(WEB + "# changed", path="/new", rate="rate(7 minutes)", threshold=5) | {"Added": queue()}
    assert stack.update(changed) == "UPDATE_COMPLETE"
    return stack


def test_the_alias_moves_and_keeps_the_number_it_was_scaled_to(
    localstack: RunningLocalStack, redeployed: Stack
) -> None:
    """The template's number did not change, so it says nothing about what was scaled meanwhile."""
    function = _function(localstack, redeployed)
    assert function.api.get_alias(FunctionName=function.name, Name="live")["FunctionVersion"] == "2"
    assert function.provisioned() == {"status": "READY", "requested": 2, "allocated": 2, "available": 2}
    assert len(function.processes("2")) == 2
    eventually(lambda: function.processes("1"), lambda found: not found)


def test_the_version_before_is_retained(localstack: RunningLocalStack, redeployed: Stack) -> None:
    """Its DeletionPolicy says so: a rollback needs it, and so do the invocations queued for it."""
    function = _function(localstack, redeployed)
    versions = function.api.list_versions_by_function(FunctionName=function.name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]


def test_the_api_serves_its_new_routes_through_the_alias(localstack: RunningLocalStack, redeployed: Stack) -> None:
    """And no longer the old ones; what answers is a provisioned environment of the new version."""
    api = redeployed.physical_id("Api")
    answer = json.loads(_get(f"{localstack.url}/_aws/execute-api/{api}/api/new"))
    assert (answer["version"], answer["init"]) == ("2", "provisioned-concurrency")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        _get(f"{localstack.url}/_aws/execute-api/{api}/api/old")
    assert refusal.value.code in (403, 404)


def test_timers_and_alarms_take_their_new_settings(localstack: RunningLocalStack, redeployed: Stack) -> None:
    """Under the names they had."""
    rule = localstack.client("events").describe_rule(Name=redeployed.physical_id("Timer"))
    assert rule["ScheduleExpression"] == "rate(7 minutes)"
    (alarm,) = localstack.client("cloudwatch").describe_alarms(AlarmNames=[redeployed.physical_id("Alarm")])[
        "MetricAlarms"
    ]
    assert alarm["Threshold"] == 5


def test_a_number_changed_in_the_template_is_applied(localstack: RunningLocalStack) -> None:
    """The deployment waits until that many environments are there."""
    stack = Stack(localstack)
    assert stack.create(service(WEB)) == "CREATE_COMPLETE"
    assert stack.update_by_change_set(service(WEB, provisioned=3)) == "UPDATE_COMPLETE"
    function = _function(localstack, stack)
    assert function.provisioned() == {"status": "READY", "requested": 3, "allocated": 3, "available": 3}
    assert len(function.processes()) == 3


@pytest.mark.parametrize("way", UPDATES, ids=["update-stack", "change-set"])
def test_a_failed_update_deletes_nothing_and_says_so(localstack: RunningLocalStack, way: Way) -> None:
    """What the failed template no longer names is still there; the next update carries on from there."""
    sqs = localstack.client("sqs")
    stack = Stack(localstack)
    assert stack.create({"Kept": queue(), "Dropped": queue()}) == "CREATE_COMPLETE"
    dropped = stack.physical_id("Dropped")
    assert way(stack)({"Kept": queue(), "Unmakeable": unmakeable()}) == "UPDATE_FAILED"
    assert sqs.get_queue_attributes(QueueUrl=dropped)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert way(stack)({"Kept": queue(), "Other": queue()}) == "UPDATE_COMPLETE"
    assert [status for status in stack.statuses() if status in ENDS][1:] == ["UPDATE_FAILED", "UPDATE_COMPLETE"]
    with pytest.raises(ClientError):
        sqs.get_queue_attributes(QueueUrl=dropped)


@pytest.mark.parametrize("way", UPDATES, ids=["update-stack", "change-set"])
def test_what_a_failed_update_made_belongs_to_the_stack(localstack: RunningLocalStack, way: Way) -> None:
    """It is kept by the next update that names it, and deleted by one that does not, or with the stack."""
    sqs = localstack.client("sqs")
    stack = Stack(localstack)
    assert stack.create({"First": queue()}) == "CREATE_COMPLETE"
    made = {"First": queue(), "Kept": queue(), "Dropped": queue(), "Last": queue()}
    assert way(stack)(made | {"Unmakeable": unmakeable()}) == "UPDATE_FAILED"
    urls = {name: stack.physical_id(name) for name in made}
    without = {name: queue() for name in ("First", "Kept", "Last")}
    stack.plan(without)
    assert stack.settled() == "UPDATE_FAILED"
    assert way(stack)(without) == "UPDATE_COMPLETE"
    assert {name: stack.physical_id(name) for name in without} == {name: urls[name] for name in without}
    with pytest.raises(ClientError):
        sqs.get_queue_attributes(QueueUrl=urls["Dropped"])
    assert way(stack)({"First": queue(), "Late": queue(), "Unmakeable": unmakeable()}) == "UPDATE_FAILED"
    late = stack.physical_id("Late")
    assert stack.delete() == "DELETE_COMPLETE"
    for url in (late, urls["First"], urls["Kept"], urls["Last"]):
        with pytest.raises(ClientError):
            sqs.get_queue_attributes(QueueUrl=url)


def test_deleting_a_stack_deletes_what_an_update_added(localstack: RunningLocalStack) -> None:
    """Not only what its first template named."""
    sqs = localstack.client("sqs")
    stack = Stack(localstack)
    assert stack.create({"First": queue()}) == "CREATE_COMPLETE"
    assert stack.update({"First": queue(), "Second": queue()}) == "UPDATE_COMPLETE"
    urls = [stack.physical_id(name) for name in ("First", "Second")]
    assert stack.delete() == "DELETE_COMPLETE"
    for url in urls:
        with pytest.raises(ClientError):
            sqs.get_queue_attributes(QueueUrl=url)


@pytest.mark.parametrize("way", CREATIONS, ids=["create-stack", "change-set"])
def test_a_creation_that_failed_is_deleted_with_all_that_was_made(localstack: RunningLocalStack, way: Way) -> None:
    """What was never made, and what refers to it, is passed over."""
    stack = Stack(localstack)
    resources = service(WEB) | {"Queue": queue(), "Unmakeable": unmakeable()}
    never = {"Vain": named_after("Unmakeable"), "VainToo": named_after("Vain.QueueName")}
    outputs = {"Vain": {"Value": {"Fn::GetAtt": ["Vain", "QueueName"]}}}
    assert way(stack)(resources | never, Outputs=outputs) == "CREATE_FAILED"
    assert "NoSuchBucket" in stack.reason()
    function, url = _function(localstack, stack), stack.physical_id("Queue")
    assert len(function.processes()) == 1
    assert stack.delete() == "DELETE_COMPLETE"
    assert [status for status in stack.statuses() if status in ENDS] == ["CREATE_FAILED", "DELETE_COMPLETE"]
    with pytest.raises(ClientError):
        localstack.client("sqs").get_queue_attributes(QueueUrl=url)
    with pytest.raises(ClientError):
        function.api.get_function(FunctionName=function.name)
    eventually(lambda: function.processes(), lambda found: not found)


@pytest.mark.parametrize("way", CREATIONS, ids=["create-stack", "change-set"])
def test_a_function_that_cannot_start_fails_the_creation(localstack: RunningLocalStack, way: Way) -> None:
    """LocalStack's alias fails without a reason."""
    stack = Stack(localstack)
    assert way(stack)(service("raise ValueError('at its start')")) == "CREATE_FAILED"
    assert "Live" in stack.reason()


def test_a_resource_that_resists_its_deletion_is_not_forgotten(localstack: RunningLocalStack) -> None:
    """The stack says which; it can be deleted when that one resists no longer."""
    stack, iam = Stack(localstack), localstack.client("iam")
    assert stack.create({"Held": user(), "Queue": queue()}) == "CREATE_COMPLETE"
    name = stack.physical_id("Held")
    iam.put_user_policy(UserName=name, PolicyName="by-hand", PolicyDocument=json.dumps(POLICY))
    assert stack.delete() == "DELETE_FAILED"
    assert stack.reason().startswith("Held: ")
    iam.delete_user_policy(UserName=name, PolicyName="by-hand")
    assert stack.delete() == "DELETE_COMPLETE"
    assert name not in {found["UserName"] for found in iam.list_users()["Users"]}


def test_a_type_that_cannot_be_made_is_refused(localstack: RunningLocalStack) -> None:
    """Instead of being reported as made; what can be made is not refused with it."""
    stack = Stack(localstack)
    assert stack.create({"Queue": queue(), "Wall": unsupported()}) == "CREATE_FAILED"
    assert "AWS::WAFv2::WebACL" in stack.reason()
    assert "AWS::SQS::Queue" not in stack.reason()


def _function(localstack: RunningLocalStack, stack: Stack) -> Function:
    return Function(localstack, stack.physical_id("Fn"))


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return bytes(answer.read())
