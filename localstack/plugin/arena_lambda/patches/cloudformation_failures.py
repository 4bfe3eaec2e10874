"""Fault: what fails is not called so. An update that failed is shown as complete by update_stack and as rolled back by
a change set; it deletes what the new template no longer names (so the old version that serves, or the alias), and
forgets what it made. A creation whose resource failed without a reason is shown as complete, and so is every deletion.

Now: they end in UPDATE_FAILED, CREATE_FAILED and DELETE_FAILED. A failed update deletes nothing, and the next one goes
on from there: what was made is there, what was to be changed is changed again. Nothing is undone. What succeeded is
shown as complete once its outputs and resources are there.
"""

import logging
from collections.abc import Callable
from typing import Any, NoReturn

from localstack.aws.api.cloudformation import ExecutionStatus, ResourceStatus, StackStatus
from localstack.services.cloudformation.engine.v2.change_set_model_executor import (
    ChangeSetModelExecutor,
    TriggerRollback,
)
from localstack.services.cloudformation.v2.entities import ChangeSet

from arena_lambda.patches.cloudformation_status import show_nothing_more, showing_no_end
from arena_lambda.patches.replacing import replace

LOG = logging.getLogger(__name__)

_NAMED_BY_RESOURCES = ("Parameters", "Mappings", "Conditions")


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
            if isinstance(error, TriggerRollback) and not error.reason:
                # The executor takes a failure without a reason for none.
                error.reason = f"{error.logical_resource_id} failed and gave no reason"
            raise

    return process


def _build_execute(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(self: ChangeSetModelExecutor) -> Any:
        change_set = self._change_set
        operation = change_set.stack.status
        with showing_no_end():
            result = original(self)
        failure = result.failure_message
        if operation == StackStatus.DELETE_IN_PROGRESS:
            if reason := failure or _what_resisted(result.resources):
                _fail(change_set, StackStatus.DELETE_FAILED, reason)
        elif failure and operation == StackStatus.UPDATE_IN_PROGRESS:
            _record_what_was_made(change_set, result.resources)
            _fail(change_set, StackStatus.UPDATE_FAILED, failure)
        else:
            _record(change_set, result)
            if failure:
                _fail(change_set, StackStatus.CREATE_FAILED, failure)
        return result

    return execute


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


def _record_what_was_made(change_set: ChangeSet, resources: dict[str, Any]) -> None:
    stack = change_set.stack
    made = {
        name: resource
        for name, resource in resources.items()
        if name not in stack.resolved_resources and "PhysicalResourceId" in resource
    }
    definitions = {name: change_set.processed_template["Resources"][name] for name in made}
    stack.resolved_resources = {**stack.resolved_resources, **made}
    stack.resolved_parameters = {**change_set.resolved_parameters, **stack.resolved_parameters}
    stack.template = _with_resources(stack.template, change_set.processed_template, definitions)
    stack.processed_template = _with_resources(stack.processed_template, change_set.processed_template, definitions)


def _with_resources(template: dict[str, Any], source: dict[str, Any], added: dict[str, Any]) -> dict[str, Any]:
    """``template`` with what was added to it, and with what that may refer to in its ``source``."""
    sections = {
        section: {**source.get(section, {}), **template.get(section, {})}
        for section in _NAMED_BY_RESOURCES
        if section in source
    }
    return {**template, **sections, "Resources": {**template["Resources"], **added}}


def _fail(change_set: ChangeSet, status: StackStatus, reason: str) -> NoReturn:
    LOG.error("Stack %s ends in %s: %s", change_set.stack.stack_name, status, reason)
    change_set.set_execution_status(ExecutionStatus.EXECUTE_FAILED)
    change_set.stack.set_stack_status(status, reason)
    # LocalStack's caller of this one ends the stack once more, when the next operation may already be at work.
    show_nothing_more()
    raise OperationFailedError(reason)
