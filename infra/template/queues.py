"""Adds the queues that functions consume, each with its dead-letter queue, and lets functions send to them.

The application names a queue where it consumes it (``on_sqs_message(queue="battles")``), and Chalice makes an ARN
of that name. CloudFormation chooses the real names, so that two stacks of one account don't share a queue, and
whoever needs a queue gets it by reference; only what other regions send to has a name they can know.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.template.document import FUNCTION_TYPE, Json, add_resource, resources_of_type, role_of
from infra.template.functions import API_FUNCTION
from infra.template.routes import entitled, routes_by_function
from infra.template.stage import StageSpec

DAY_SECONDS: Final = 86_400
RETENTION_SECONDS: Final = 4 * DAY_SECONDS
DEAD_LETTER_RETENTION_SECONDS: Final = 14 * DAY_SECONDS
"""SQS's longest, because a dead letter keeps the time of the message it was."""

VISIBILITY_FACTOR: Final = 6
"""Times the consumer's time-out, as AWS advises: an invocation may be retried before the messages come back."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and what becomes of messages that can't be processed."""

    name: str
    """As the application calls it."""
    logical_id: str
    dead_letter_id: str
    receives_max: int
    """Deliveries after which SQS itself moves a message to the dead-letter queue."""
    shared_name: str = ""
    """Of a queue other regions send to: its name, the same in every region, to which the stack's is put in front."""

    @property
    def real_name(self) -> Json | None:
        """None where CloudFormation chooses."""
        return {"Fn::Sub": f"${{AWS::StackName}}-{self.shared_name}"} if self.shared_name else None


BATTLES: Final = Queue("battles", "BattleQueue", "BattleDeadLetterQueue", receives_max=8)
"""The worker gives a message up at its fifth delivery and says why; SQS is for workers that can't."""

LIVE: Final = Queue("live", "LiveQueue", "LiveDeadLetterQueue", receives_max=5)

OUTBOX: Final = Queue("outbox", "OutboxQueue", "OutboxDeadLetterQueue", receives_max=5)

REPLICATION: Final = Queue(
    "replication", "ReplicationQueue", "ReplicationDeadLetterQueue", receives_max=1000, shared_name="replication"
)
"""The receiver gives an event up and says why. While its database is away it gives up nothing: a thousand times is as
long as a message is kept."""

QUEUES: Final = (BATTLES, LIVE, OUTBOX, REPLICATION)

_BATTLE_QUEUE: Final = "ARENA_BATTLE_QUEUE_URL"
_BATTLE_DEAD_LETTERS: Final = "ARENA_BATTLE_DLQ_URL"
_LIVE_QUEUE: Final = "ARENA_LIVE_QUEUE_URL"
_OUTBOX: Final = "ARENA_OUTBOX_QUEUE_URL"
_REPLICATION_QUEUE: Final = "ARENA_REPLICATION_QUEUE_URL"
_REPLICATION_DEAD_LETTERS: Final = "ARENA_REPLICATION_DLQ_URL"

SENDERS: Final[Mapping[str, Mapping[str, str]]] = {
    API_FUNCTION: {
        _BATTLE_QUEUE: BATTLES.logical_id,
        _LIVE_QUEUE: LIVE.logical_id,
        _OUTBOX: OUTBOX.logical_id,
        _REPLICATION_QUEUE: REPLICATION.logical_id,
    },
    "BattleWorker": {
        _BATTLE_DEAD_LETTERS: BATTLES.dead_letter_id,
        _LIVE_QUEUE: LIVE.logical_id,
        _OUTBOX: OUTBOX.logical_id,
    },
    "BattleSweep": {_BATTLE_QUEUE: BATTLES.logical_id},
    "Leaderboards": {_LIVE_QUEUE: LIVE.logical_id},
    "LivePush": {_LIVE_QUEUE: LIVE.logical_id},
    "FollowUps": {_OUTBOX: OUTBOX.logical_id},
    "OutboxPublisher": {_OUTBOX: OUTBOX.logical_id},
    "OutboxSweep": {_OUTBOX: OUTBOX.logical_id},
    "ReplicationReceiver": {_REPLICATION_DEAD_LETTERS: REPLICATION.dead_letter_id},
}
"""Function → environment variable → queue it may send to. A function of another name sends nowhere."""

DEAD_LETTERS_ROUTE: Final = "/api/ops/dead-letters"
_SENT_BY_ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    _BATTLE_QUEUE: ("/api/battle/queue", DEAD_LETTERS_ROUTE),
    _REPLICATION_QUEUE: (DEAD_LETTERS_ROUTE,),
}
"""Of what the API sends, what these routes alone do. Any route may announce a change, and wake the publisher."""


def complete_queues(template: Json, stage: StageSpec) -> None:
    """Adds every queue that a function of ``template`` consumes, in place. Before ``complete_functions``."""
    for queue in QUEUES:
        consumers = list(_consumers(template, queue))
        if consumers:
            _add(template, queue, max(timeout for timeout, _ in consumers))
        for _, event in consumers:
            event["Properties"]["Queue"] = _arn(queue.logical_id)
            # Or a long queue would take the account's whole concurrency, the API's included.
            event["Properties"]["ScalingConfig"] = {"MaximumConcurrency": stage.tier.queue_concurrency}
    for function_id, function in list(resources_of_type(template, FUNCTION_TYPE)):
        sends = {
            variable: queue_id
            for variable, queue_id in _sends(template, function_id).items()
            if queue_id in template["Resources"]
        }
        if sends:
            _let_send(template, function_id, function["Properties"], sends)


def _sends(template: Json, function_id: str) -> Mapping[str, str]:
    if function_id not in routes_by_function(template):
        return SENDERS.get(function_id, {})
    return {
        variable: queue_id
        for variable, queue_id in SENDERS[API_FUNCTION].items()
        if variable not in _SENT_BY_ROUTES or function_id in entitled(template, *_SENT_BY_ROUTES[variable])
    }


def _consumers(template: Json, queue: Queue) -> Iterator[tuple[int, Json]]:
    """Time-out and event source of each function that consumes ``queue``."""
    for _, function in resources_of_type(template, FUNCTION_TYPE):
        properties = function["Properties"]
        for event in properties.get("Events", {}).values():
            if event["Type"] == "SQS" and _name(event["Properties"]["Queue"]) == queue.name:
                yield int(properties["Timeout"]), event


def _name(arn: Any) -> str:
    text = arn.get("Fn::Sub", "") if isinstance(arn, dict) else arn
    return str(text).rpartition(":")[2]


def _add(template: Json, queue: Queue, timeout_seconds: int) -> None:
    dead_letters = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"MessageRetentionPeriod": DEAD_LETTER_RETENTION_SECONDS, "SqsManagedSseEnabled": True},
    }
    messages: Json = {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "MessageRetentionPeriod": RETENTION_SECONDS,
            "SqsManagedSseEnabled": True,
            "VisibilityTimeout": VISIBILITY_FACTOR * timeout_seconds,
            "RedrivePolicy": {
                "deadLetterTargetArn": _arn(queue.dead_letter_id),
                "maxReceiveCount": queue.receives_max,
            },
        },
    }
    if queue.real_name is not None:
        messages["Properties"]["QueueName"] = queue.real_name
    add_resource(template, queue.dead_letter_id, dead_letters)
    add_resource(template, queue.logical_id, messages)
    template.setdefault("Outputs", {}).update(
        {f"{one}Url": {"Value": {"Ref": one}} for one in (queue.logical_id, queue.dead_letter_id)}
    )


def _let_send(template: Json, function_id: str, properties: Json, sends: Mapping[str, str]) -> None:
    variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
    variables.update({variable: {"Ref": queue_id} for variable, queue_id in sends.items()})
    statement = {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage"],
        "Resource": [_arn(queue_id) for queue_id in sends.values()],
    }
    role_of(template, function_id, properties)["Properties"]["Policies"].append(
        {
            "PolicyName": f"{function_id}SendPolicy",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        }
    )


def _arn(queue_id: str) -> Json:
    return {"Fn::GetAtt": [queue_id, "Arn"]}
