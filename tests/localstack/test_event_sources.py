"""What calls functions besides people: queues and timers."""

import json

from tests.localstack.handlers import BATCH
from tests.localstack.running import REGION, RunningLocalStack, eventually, inside_localstack


def test_only_the_failed_messages_of_a_batch_return_and_end_in_the_dead_letters(localstack: RunningLocalStack) -> None:
    """Partial batch answers: the good ones are gone for good, the bad one is tried again, then set aside."""
    sqs = localstack.client("sqs")
    # A queue hides its messages for as long as its function may take, and the bad one is hidden twice.
    function = localstack.function(BATCH, timeout=3)
    function.point("live", function.publish())
    dead = sqs.create_queue(QueueName=f"{function.name}-dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": _arn(f"{function.name}-dead"), "maxReceiveCount": "2"}
    queue = sqs.create_queue(
        QueueName=function.name, Attributes={"VisibilityTimeout": "3", "RedrivePolicy": json.dumps(redrive)}
    )["QueueUrl"]
    sqs.send_message_batch(
        QueueUrl=queue,
        Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(["good", "bad", "good too"])],
    )
    mapping = function.api.create_event_source_mapping(
        FunctionName=f"{function.name}:live",
        EventSourceArn=_arn(function.name),
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    messages = eventually(lambda: sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages", []))
    assert [message["Body"] for message in messages] == ["bad"]
    counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == "0"
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"
    function.api.delete_event_source_mapping(UUID=mapping["UUID"])


def test_a_scheduled_rule_has_one_timer_however_often_it_is_put() -> None:
    """Two deployments make one timer, not two; it follows the rule's schedule and state, and goes with it."""
    timers = inside_localstack(
        """
import json, os
from types import SimpleNamespace
from arena_lambda.patches import apply_patches
apply_patches(frozenset(filter(None, os.environ["ARENA_LAMBDA_DISABLED_PATCHES"].split(","))))
from localstack.services.events.provider import EventsProvider
from localstack.services.events.scheduler import JobScheduler

context = SimpleNamespace(region="us-east-1", account_id="000000000000")
events = EventsProvider()
target = {"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
seen = []

def look():
    seen.append([job.schedule for job in JobScheduler.instance().jobs])

for schedule in ("rate(1 minute)", "rate(1 minute)", "rate(5 minutes)"):
    events.put_rule(context=context, name="r", schedule_expression=schedule)
    events.put_targets(context=context, rule="r", targets=[target])
    look()
events.put_rule(context=context, name="r", schedule_expression="rate(2 minutes)")
look()
events.remove_targets(context=context, rule="r", ids=["1"])
try:
    events.delete_rule(context=context, name="r")
except KeyError:
    pass  # its tags, which were never set through this shortcut
look()
print(json.dumps(seen))
"""
    )
    assert timers == [["*/1 * * * *"], ["*/1 * * * *"], ["*/5 * * * *"], ["*/2 * * * *"], []]


def test_an_empty_queue_is_not_asked_again_and_again() -> None:
    """A mapping's questions wait for a message, for as long as its batching window where it has one."""
    waits = inside_localstack(
        """
import json, os
from types import SimpleNamespace
import boto3
from arena_lambda.patches import apply_patches
apply_patches(frozenset(filter(None, os.environ["ARENA_LAMBDA_DISABLED_PATCHES"].split(","))))
from localstack.services.lambda_.event_source_mapping.pollers.poller import EmptyPollResultsException
from localstack.services.lambda_.event_source_mapping.pollers import sqs_poller
sqs_poller.get_queue_url = lambda arn: "http://127.0.0.1/q"  # nobody is there to ask

seen = []

def answer(params, **_):
    seen.append(json.loads(params["body"])["WaitTimeSeconds"])
    return SimpleNamespace(status_code=200), {}

client = boto3.client("sqs", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
client.meta.events.register("before-call.sqs.ReceiveMessage", answer)
for window in ({}, {}, {"MaximumBatchingWindowInSeconds": 2}):
    source = {"SqsQueueParameters": window}
    poller = sqs_poller.SqsPoller("arn:aws:sqs:us-east-1:000000000000:q", source, client, object())
    try:
        poller.poll_events()
    except EmptyPollResultsException:
        pass
print(json.dumps(seen))
"""
    )
    assert waits == [5, 5, 2]


def _arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:000000000000:{queue}"
