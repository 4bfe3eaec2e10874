"""A redeployment by CloudFormation does what its template says."""

import json
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from tests.localstack.running import RunningLocalStack, eventually
from tests.localstack.stacks import (
    POLICY,
    WEB,
    Stack,
    function_of,
    get,
    managed_policy,
    policies_of,
    queue,
    role,
    service,
    unsupported,
    user,
)


@pytest.fixture(scope="module")
def redeployed(localstack: RunningLocalStack) -> Stack:
    """A stack deployed with one provisioned environment, scaled to two by hand, then deployed anew, all changed."""
    stack = Stack(localstack)
    assert stack.create(service(WEB) | {"Gone": queue()}) == "CREATE_COMPLETE"
    function_of(localstack, stack).scale(2)
    changed = service(WEB + "# changed", path="/new", rate="rate(7 minutes)", threshold=5) | {"Added": queue()}
    assert stack.update(changed) == "UPDATE_COMPLETE"
    return stack


def test_the_alias_moves_and_keeps_the_number_it_was_scaled_to(
    localstack: RunningLocalStack, redeployed: Stack
) -> None:
    """The template's number did not change, so it says nothing about what was scaled meanwhile."""
    function = function_of(localstack, redeployed)
    assert function.api.get_alias(FunctionName=function.name, Name="live")["FunctionVersion"] == "2"
    assert function.provisioned() == {"status": "READY", "requested": 2, "allocated": 2, "available": 2}
    assert len(function.processes("2")) == 2
    eventually(lambda: function.processes("1"), lambda found: not found)


def test_the_version_before_is_retained(localstack: RunningLocalStack, redeployed: Stack) -> None:
    """Its DeletionPolicy says so: a rollback needs it, and so do the invocations queued for it."""
    function = function_of(localstack, redeployed)
    versions = function.api.list_versions_by_function(FunctionName=function.name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1", "2"]


def test_the_api_serves_its_new_routes_through_the_alias(localstack: RunningLocalStack, redeployed: Stack) -> None:
    """And no longer the old ones; what answers is a provisioned environment of the new version."""
    api = redeployed.physical_id("Api")
    answer = json.loads(get(f"{localstack.url}/_aws/execute-api/{api}/api/new"))
    assert (answer["version"], answer["init"]) == ("2", "provisioned-concurrency")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        get(f"{localstack.url}/_aws/execute-api/{api}/api/old")
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
    function = function_of(localstack, stack)
    assert function.provisioned() == {"status": "READY", "requested": 3, "allocated": 3, "available": 3}
    assert len(function.processes()) == 3


def test_a_role_stays_when_its_policies_change(localstack: RunningLocalStack) -> None:
    """What refers to it would lose it otherwise."""
    stack, managed = Stack(localstack), managed_policy(localstack)
    assert stack.create({"Role": role(old=POLICY)}) == "CREATE_COMPLETE"
    name = stack.physical_id("Role")
    assert stack.update({"Role": role(managed, new=POLICY)}) == "UPDATE_COMPLETE"
    assert stack.physical_id("Role") == name
    assert policies_of(localstack, name) == {managed, "new"}
    assert stack.update({"Role": role(new=POLICY)}) == "UPDATE_COMPLETE"
    assert policies_of(localstack, name) == {"new"}


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
