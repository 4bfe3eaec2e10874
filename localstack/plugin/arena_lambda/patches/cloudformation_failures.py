"""Fault: what fails is not called so. An update that failed is shown as complete by update_stack, and deletes what the
new template no longer names (so the old version that serves, or the alias). A creation whose resource failed without a
reason is shown as complete, and so is every deletion.

Now: what failed is rolled back, and the stack ends in ROLLBACK_COMPLETE or UPDATE_ROLLBACK_COMPLETE, or with what
resisted in ROLLBACK_FAILED, UPDATE_ROLLBACK_FAILED or DELETE_FAILED. What succeeded is shown as complete once its
outputs and resources are there.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from localstack.aws.api.cloudformation import ExecutionStatus, ResourceStatus, StackStatus
from localstack.services.cloudformation.engine.v2.change_set_model_executor import (
    ChangeSetModelExecutor,
    TriggerRollback,
)
from localstack.services.cloudformation.v2.entities import ChangeSet

from arena_lambda.patches.cloudformation_rollback import roll_back
from arena_lambda.patches.cloudformation_status import show_nothing_more, showing_no_end
from arena_lambda.patches.replacing import replace

LOG = logging.getLogger(__name__)


class OperationFailedError(Exception):
    """Ends LocalStack's worker before it records what failed as the stack's new state."""


def apply() -> None:
    """Watch over processing (what is deferred) and execution (how it ends)."""
    replace(ChangeSetModelExecutor, "process", _build_process)
    replace(ChangeSetModelExecutor, "execute", _build_execute)


def _build_process(original: Callable[..., None]) -> Callable[..., None]:
    def process(self: ChangeSetModelExecutor) -> None:
        try:
            original(self)
        except Exception as error:
            if self._change_set.stack.status != StackStatus.DELETE_IN_PROGRESS:
                self._deferred_actions.clear()
            logical_id, reason = getattr(error, "logical_resource_id", ""), getattr(error, "reason", str(error))
            # The executor takes a failure without a reason for none.
            raise TriggerRollback(logical_id, reason or f"{logical_id or error!r} gave no reason") from error

    return process


def _build_execute(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(self: ChangeSetModelExecutor) -> Any:
        change_set = self._change_set
        operation = change_set.stack.status
        with showing_no_end():
            result = original(self)
        deletes = operation == StackStatus.DELETE_IN_PROGRESS
        failure = result.failure_message or (deletes and _what_resisted(result.resources))
        if failure and deletes:
            _fail(change_set, StackStatus.DELETE_FAILED, failure)
        if failure:
            _roll_back(self, operation, failure)
        if not deletes:
            _record(change_set, result)
        return result

    return execute


def _what_resisted(resources: Mapping[str, Any]) -> str:
    return _listed(
        {
            name: resource.get("ResourceStatusReason", "")
            for name, resource in resources.items()
            if resource.get("ResourceStatus") == ResourceStatus.DELETE_FAILED
        }
    )


def _record(change_set: ChangeSet, result: Any) -> None:
    """What delete_stack deletes later, and what describe_stacks shows."""
    stack = change_set.stack
    stack.resolved_parameters = change_set.resolved_parameters
    stack.resolved_resources, stack.resolved_outputs = result.resources, result.outputs
    stack.template, stack.template_body = change_set.template, change_set.template_body
    stack.processed_template = change_set.processed_template


def _roll_back(executor: ChangeSetModelExecutor, operation: StackStatus, failure: str) -> NoReturn:
    change_set = executor._change_set
    updates = operation == StackStatus.UPDATE_IN_PROGRESS
    rollback = "UPDATE_ROLLBACK" if updates else "ROLLBACK"
    LOG.error("Stack %s is rolled back: %s", change_set.stack.stack_name, failure)
    change_set.stack.set_stack_status(StackStatus(f"{rollback}_IN_PROGRESS"), failure)
    with showing_no_end():
        resisted = roll_back(executor)
    if not updates:
        _record_what_is_left(executor, resisted)
    if resisted:
        _fail(change_set, StackStatus(f"{rollback}_FAILED"), f"{failure}; {_listed(resisted)}")
    _fail(change_set, StackStatus(f"{rollback}_COMPLETE"), failure)


def _record_what_is_left(executor: ChangeSetModelExecutor, resisted: Mapping[str, str]) -> None:
    """Of a creation, so that delete_stack deletes that, by what is recorded of it, and looks for nothing else."""
    change_set = executor._change_set
    stack = change_set.stack
    stack.resolved_parameters, stack.template_body = change_set.resolved_parameters, change_set.template_body
    stack.resolved_resources = {name: executor.resources[name] for name in resisted}
    # Nothing more of their definitions: those may refer to what is gone.
    left = {name: {"Type": executor.resources[name]["Type"]} for name in resisted}
    stack.template = stack.processed_template = {"Resources": left}


def _listed(resisted: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in resisted.items())


def _fail(change_set: ChangeSet, status: StackStatus, reason: str) -> NoReturn:
    LOG.error("Stack %s ends in %s: %s", change_set.stack.stack_name, status, reason)
    change_set.set_execution_status(ExecutionStatus.EXECUTE_FAILED)
    change_set.stack.set_stack_status(status, reason)
    # LocalStack's caller of this one ends the stack once more, when the next operation may already be at work.
    show_nothing_more()
    raise OperationFailedError(reason)
