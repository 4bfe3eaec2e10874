"""Fault: DeletionPolicy is ignored, so a redeploy deletes the function version before it, with the invocations queued
for it, although SAM marks it to be retained.

Now: a resource whose last template says Retain stays when it is removed from the template or with its stack.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor

from arena_lambda.patches.replacing import replace

_REMOVAL = "remove-"
_RETAINING = ("Retain", "RetainExceptOnCreate")
KEPT_BY_ROLLBACK = ("Retain",)
"""Policies of what stays although what made it is undone."""


def apply() -> None:
    """Leave the removal of retained resources out of what is done at the end."""
    replace(ChangeSetModelExecutor, "_defer_action", _build)


def deletion_policy(template: Mapping[str, Any] | None, logical_id: str) -> str | None:
    """What a template says of a resource."""
    policy: str | None = (template or {}).get("Resources", {}).get(logical_id, {}).get("DeletionPolicy")
    return policy


def _build(original: Callable[..., None]) -> Callable[..., None]:
    def _defer_action(self: ChangeSetModelExecutor, name: str, action: Callable[[], None]) -> None:
        if name.startswith(_REMOVAL):
            policy = deletion_policy(self._change_set.stack.processed_template, name.removeprefix(_REMOVAL))
            if policy in _RETAINING:
                return
        original(self, name, action)

    return _defer_action
