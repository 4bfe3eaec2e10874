"""Fault: a stack update that fails still deletes what the new template no longer names (so the old version that serves,
or the alias), and update_stack then reports UPDATE_COMPLETE; its template is also forgotten when the stack is deleted.

Now: a failed update deletes nothing, ends as UPDATE_FAILED and leaves the stack's template as it was, so that the next
update tries the same changes again. LocalStack undoes nothing of a failed update, and neither do we.
"""

from collections.abc import Callable
from typing import Any

from localstack.aws.api.cloudformation import ExecutionStatus, StackStatus
from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor

from arena_lambda.patches.replacing import replace


class UpdateFailedError(Exception):
    """Ends LocalStack's worker before it records the failed update as the stack's new state."""


def apply() -> None:
    """Watch over processing (what is deferred) and execution (what is reported)."""
    replace(ChangeSetModelExecutor, "process", _build_process)
    replace(ChangeSetModelExecutor, "execute", _build_execute)


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
        updating = stack.status == StackStatus.UPDATE_IN_PROGRESS
        result = original(self)
        if not updating:
            return result
        if result.failure_message:
            stack.set_stack_status(StackStatus.UPDATE_FAILED, result.failure_message)
            change_set.set_execution_status(ExecutionStatus.EXECUTE_FAILED)
            raise UpdateFailedError(result.failure_message)
        # update_stack forgets this one, from which delete_stack later takes what there is to delete.
        stack.processed_template = change_set.processed_template
        return result

    return execute
