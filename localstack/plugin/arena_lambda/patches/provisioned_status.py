"""Fault: while scaling, the status says READY with the previous numbers and stopped environments count as allocated;
an update during an update is refused; a start that fails still ends as READY.

Now: the status is read from the environments at every call, and the latest update wins.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from localstack.services.lambda_.invocation.version_manager import LambdaVersionManager

from arena_lambda.patches.replacing import replace
from arena_lambda.provisioning import ProvisionedState


def apply() -> None:
    """Replace the update of a version's provisioned concurrency."""
    replace(LambdaVersionManager, "update_provisioned_concurrency_config", _build)


def _build(_: Callable[..., object]) -> Callable[..., object]:
    def update_provisioned_concurrency_config(
        self: LambdaVersionManager, provisioned_concurrent_executions: int
    ) -> Future[None]:
        with self.provisioned_state_lock:
            changes = self.assignment_service.scale_provisioned_concurrency(
                self.id, self.function_version, provisioned_concurrent_executions
            )
            self.provisioned_state = (
                ProvisionedState(self.assignment_service, self.id, provisioned_concurrent_executions, changes)
                if provisioned_concurrent_executions
                else None
            )
        return _all_done(changes)

    return update_provisioned_concurrency_config


def _all_done(changes: list[Future[None]]) -> Future[None]:
    """A future that is done when all are, whatever their outcome."""
    everything: Future[None] = Future()
    if not changes:
        everything.set_result(None)
        return everything
    remaining = len(changes)
    lock = threading.Lock()

    def count_down(_: Future[None]) -> None:
        nonlocal remaining
        with lock:
            remaining -= 1
            last = remaining == 0
        if last:
            everything.set_result(None)

    for change in changes:
        change.add_done_callback(count_down)
    return everything
