"""Lets the API show operators the queues and send dead letters back, and the metrics function count what waits."""

from collections.abc import Sequence
from typing import Any, Final

from infra.template.document import Json, role_of
from infra.template.queues import BATTLES, DEAD_LETTERS_ROUTE, LIVE, OUTBOX, QUEUES, REPLICATION
from infra.template.routes import entitled

METRICS_FUNCTION: Final = "Metrics"
"""Chalice's logical id of the scheduled function."""

VARIABLES: Final = {
    BATTLES: ("ARENA_BATTLE_QUEUE_URL", "ARENA_BATTLE_DLQ_URL"),
    LIVE: ("ARENA_LIVE_QUEUE_URL", "ARENA_LIVE_DLQ_URL"),
    OUTBOX: ("ARENA_OUTBOX_QUEUE_URL", "ARENA_OUTBOX_DLQ_URL"),
    REPLICATION: ("ARENA_REPLICATION_QUEUE_URL", "ARENA_REPLICATION_DLQ_URL"),
}
"""What tells a function where a queue and its dead letters are."""

ROUTES: Final = ("/api/ops/queues", DEAD_LETTERS_ROUTE)
"""What operators look at queues by."""

_LOOK: Final = ["sqs:GetQueueAttributes"]
_TAKE: Final = ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"]


def complete_operating(template: Json) -> None:
    """Completes those of the functions that ``template`` has, in place. After ``complete_queues``, which lets the API
    send."""
    queues = [queue for queue in QUEUES if queue.logical_id in template["Resources"]]
    shown_by = entitled(template, *ROUTES)
    for function_id in (*shown_by, METRICS_FUNCTION):
        if not queues or function_id not in template["Resources"]:
            continue
        properties = template["Resources"][function_id]["Properties"]
        variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
        for queue in queues:
            ids = (queue.logical_id, queue.dead_letter_id)
            variables.update({name: {"Ref": one} for name, one in zip(VARIABLES[queue], ids, strict=True)})
        statements = [_allowed(_LOOK, [one for queue in queues for one in (queue.logical_id, queue.dead_letter_id)])]
        if function_id in shown_by:
            statements.append(_allowed(_TAKE, [queue.dead_letter_id for queue in queues]))
        role_of(template, function_id, properties)["Properties"]["Policies"].append(
            {
                "PolicyName": f"{function_id}OperatingPolicy",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
            }
        )


def _allowed(actions: list[str], queue_ids: Sequence[str]) -> dict[str, Any]:
    arns = [{"Fn::GetAtt": [queue_id, "Arn"]} for queue_id in queue_ids]
    return {"Effect": "Allow", "Action": actions, "Resource": arns}
