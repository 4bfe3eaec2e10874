"""Fault: DeletionPolicy is ignored, so a redeploy deletes the function version before it, with the invocations queued
for it, although SAM marks it to be retained.

Now: a resource whose last template says Retain stays when it is removed from the template or with its stack.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor

from arena_lambda.patches.replacing import replace

_REMOVAL = "remove-"
_RETAINING = ("Retain", "RetainExceptOnCreate")


def apply() -> None:
    """Leave the removal of retained resources out of what is done at the end."""
    replace(ChangeSetModelExecutor, "_defer_action", _build)


def _build(original: Callable[..., None]) -> Callable[..., None]:
    def _defer_action(self: ChangeSetModelExecutor, name: str, action: Callable[[], None]) -> None:
        if name.startswith(_REMOVAL) and _is_retained(self._change_set.stack, name.removeprefix(_REMOVAL)):
            return
        original(self, name, action)

    return _defer_action


def _is_retained(stack: Any, logical_id: str) -> bool:
    template = stack.processed_template or {}
    return template.get("Resources", {}).get(logical_id, {}).get("DeletionPolicy") in _RETAINING
