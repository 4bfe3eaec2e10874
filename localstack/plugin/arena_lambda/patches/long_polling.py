"""Fault: a queue that feeds a function is asked whether it has anything, told no, and asked again a second later. The
queues of three idle regions keep a good part of a processor busy with that, and a message waits for the next question.

Now: as in AWS, an empty queue answers when a message comes, or after a while.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller

from arena_lambda.patches.replacing import replace

# A mapping that is disabled is so when its last question is answered.
WAIT_SECONDS = 5


def apply() -> None:
    """Ask with a waiting time where the mapping has no batching window."""
    replace(SqsPoller, "_register_client_hooks", _build)


def _build(original: Callable[[SqsPoller], None]) -> Callable[[SqsPoller], None]:
    def _register_client_hooks(poller: SqsPoller) -> None:
        original(poller)
        # Clients are shared between mappings.
        poller.source_client.meta.events.register(
            "provide-client-params.sqs.ReceiveMessage", _wait, unique_id="arena-long-polling"
        )

    return _register_client_hooks


def _wait(params: dict[str, Any], **_: Any) -> None:
    params["WaitTimeSeconds"] = params.get("WaitTimeSeconds") or WAIT_SECONDS
