"""Fault: nothing of a creation or an update that failed is undone. What it made stays for ever, with the environments
kept warm for it; what it changed stays changed, although its stack is still described by the template before.

Now: it is taken back, the last first, as CloudFormation does: what was made is deleted, what was changed is changed
back, what was replaced is kept.
"""

from collections.abc import Callable
from typing import Any

from localstack.aws.api.cloudformation import ChangeAction, ResourceStatus
from localstack.services.cloudformation.engine.v2.change_set_model import is_nothing
from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocProperties, PreprocResource
from localstack.services.cloudformation.resource_provider import OperationStatus

from arena_lambda.patches.replacing import replace
from arena_lambda.patches.retain_resources import KEPT_BY_ROLLBACK, deletion_policy

_JOURNAL = "arena_journal"


def apply() -> None:
    """Keep a journal of what is changed."""
    replace(ChangeSetModelExecutor, "_execute_resource_change", _build)


def _build(original: Callable[..., None]) -> Callable[..., None]:
    def _execute_resource_change(self: ChangeSetModelExecutor, name: str, before: Any, after: Any) -> None:
        # The removal of a resource is put off until all else has succeeded.
        if not is_nothing(after):
            self.__dict__.setdefault(_JOURNAL, []).append((name, before, after))
        original(self, name, before, after)

    return _execute_resource_change


def roll_back(executor: ChangeSetModelExecutor) -> dict[str, str]:
    """Take back what the executor did; what resisted, by logical id, and why."""
    resisted: dict[str, str] = {}
    for name, before, after in reversed(executor.__dict__.get(_JOURNAL, [])):
        if before and not _is_replaced(executor, name, before, after):
            reason = _change_back(executor, name, before, after)
        else:
            reason = _unmake(executor, name, after)
            if before:
                _show_as_before(executor, name, before)
        if reason is not None:
            resisted[name] = reason
    return resisted


def _is_replaced(executor: ChangeSetModelExecutor, name: str, before: PreprocResource, after: PreprocResource) -> bool:
    if before.resource_type != after.resource_type:
        return True
    # What is made anew under the id it had is still the one there was.
    same = executor.resources.get(name, {}).get("PhysicalResourceId") == before.physical_resource_id
    return bool(after.requires_replacement) and not same


def _change_back(
    executor: ChangeSetModelExecutor, name: str, before: PreprocResource, after: PreprocResource
) -> str | None:
    # A change that failed may have been made in part. What the template does not say, as ids, is known from before;
    # what only the template before says is no longer so.
    was = _values(before.properties)
    known = executor._merge_before_properties(name, before).properties
    unsaid = {key: value for key, value in known.items() if key not in was}
    now = {**unsaid, **_values(after.properties), **(executor.resources.get(name, {}).get("Properties") or {})}
    return _perform(executor, ChangeAction.Modify, name, before.resource_type, now, was)


def _unmake(executor: ChangeSetModelExecutor, name: str, after: PreprocResource) -> str | None:
    """Delete what was made; a resource that failed is known by its properties where it was half made."""
    made = executor.resources.get(name, {})
    if not (made.get("PhysicalResourceId") or made.get("Properties")):
        return None
    if deletion_policy(executor._change_set.processed_template, name) in KEPT_BY_ROLLBACK:
        return None
    reason = _perform(executor, ChangeAction.Remove, name, after.resource_type, made.get("Properties") or {}, None)
    if reason is not None:
        # The executor has overwritten what it knew of it, by which it is deleted with its stack.
        executor.resources[name] = made
    return reason


def _perform(
    executor: ChangeSetModelExecutor,
    action: ChangeAction,
    name: str,
    resource_type: str,
    before: dict[str, Any],
    after: dict[str, Any] | None,
) -> str | None:
    said = {"action": action, "logical_resource_id": name, "resource_type": resource_type}
    executor._process_event(**said, event_status=OperationStatus.IN_PROGRESS)
    event = executor._execute_resource_action(
        action, name, resource_type, PreprocProperties(before), None if after is None else PreprocProperties(after)
    )
    executor._process_event(**said, event_status=event.status, reason=event.message)
    return None if event.status == OperationStatus.SUCCESS else event.message or "it gave no reason"


def _show_as_before(executor: ChangeSetModelExecutor, name: str, before: PreprocResource) -> None:
    executor._change_set.stack.set_resource_status(
        logical_resource_id=name,
        physical_resource_id=before.physical_resource_id,
        resource_type=before.resource_type,
        status=ResourceStatus.UPDATE_COMPLETE,
    )


def _values(properties: Any) -> dict[str, Any]:
    return dict(properties.properties) if properties else {}
