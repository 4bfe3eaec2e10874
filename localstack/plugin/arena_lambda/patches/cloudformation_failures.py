"""Fault: as soon as one resource fails, its stack is shown as failed while its worker still works at it, and then as
something else: a failed update as rolled back, then as complete, a creation as complete, a deletion as failed, then as
done. A failed update also deletes what the new template no longer names (so the old version that serves, or the
alias), and its template is forgotten when the stack is deleted. What succeeded is shown as complete a moment before
its outputs and resources are.

Now: a stack shows an end only once its worker has come to it: CREATE_FAILED, UPDATE_FAILED or DELETE_FAILED. A failed
update deletes nothing and leaves the stack's template as it was, so that the next update tries the same changes again.
LocalStack undoes nothing of what failed, and neither do we.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from localstack.aws.api.cloudformation import ExecutionStatus, ResourceStatus, StackStatus
from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor
from localstack.services.cloudformation.v2.entities import ChangeSet, Stack

from arena_lambda.patches.replacing import replace

LOG = logging.getLogger(__name__)

_worker = threading.local()


class OperationFailedError(Exception):
    """Ends LocalStack's worker before it records what failed as the stack's new state."""


def apply() -> None:
    """Watch over what is shown, processing (what is deferred) and execution (how it ends)."""
    replace(Stack, "set_stack_status", _build_status)
    replace(ChangeSetModelExecutor, "process", _build_process)
    replace(ChangeSetModelExecutor, "execute", _build_execute)


def _build_status(original: Callable[..., None]) -> Callable[..., None]:
    def set_stack_status(self: Stack, status: StackStatus, reason: str | None = None) -> None:
        at_work = getattr(_worker, "stack", None) is self
        if not at_work or status.endswith("_IN_PROGRESS"):
            original(self, status, reason)

    return set_stack_status


def _build_process(original: Callable[..., None]) -> Callable[..., None]:
    def process(self: ChangeSetModelExecutor) -> None:
        try:
            original(self)
        except Exception:
            if self._change_set.stack.status != StackStatus.DELETE_IN_PROGRESS:
                self._deferred_actions.clear()
            raise

    return process


def _build_execute(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(self: ChangeSetModelExecutor) -> Any:
        change_set = self._change_set
        stack = change_set.stack
        operation = stack.status
        with _showing_no_end_of(stack):
            result = original(self)
        if operation == StackStatus.DELETE_IN_PROGRESS:
            if reason := result.failure_message or _what_resisted(result.resources):
                _fail(change_set, StackStatus.DELETE_FAILED, reason)
        elif operation == StackStatus.UPDATE_IN_PROGRESS:
            if result.failure_message:
                _fail(change_set, StackStatus.UPDATE_FAILED, result.failure_message)
            _record(change_set, result)
        else:
            _record(change_set, result)
            if result.failure_message:
                _fail(change_set, StackStatus.CREATE_FAILED, result.failure_message)
        return result

    return execute


@contextmanager
def _showing_no_end_of(stack: Stack) -> Iterator[None]:
    _worker.stack = stack
    try:
        yield
    finally:
        _worker.stack = None


def _what_resisted(resources: dict[str, Any]) -> str:
    return "; ".join(
        f"{name}: {resource.get('ResourceStatusReason')}"
        for name, resource in resources.items()
        if resource.get("ResourceStatus") == ResourceStatus.DELETE_FAILED
    )


def _record(change_set: ChangeSet, result: Any) -> None:
    """What delete_stack deletes later, and what describe_stacks shows."""
    stack = change_set.stack
    stack.resolved_parameters = change_set.resolved_parameters
    stack.resolved_resources, stack.resolved_outputs = result.resources, result.outputs
    stack.template, stack.template_body = change_set.template, change_set.template_body
    stack.processed_template = change_set.processed_template


def _fail(change_set: ChangeSet, status: StackStatus, reason: str) -> NoReturn:
    LOG.error("Stack %s ends in %s: %s", change_set.stack.stack_name, status, reason)
    change_set.set_execution_status(ExecutionStatus.EXECUTE_FAILED)
    change_set.stack.set_stack_status(status, reason)
    # LocalStack's caller of this one ends the stack once more, when the next operation may already be at work.
    _worker.stack = change_set.stack
    raise OperationFailedError(reason)
