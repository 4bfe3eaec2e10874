"""Fault: deleting a stack whose creation failed deletes nothing, and the stack is called deleted: the first resource
that was never made ends it, since what that one refers to was not made either. Its functions, with the environments
kept warm for them, stay for ever.

Now: what was never made is passed over, and so are the outputs.
"""

from collections.abc import Callable
from typing import Any

from localstack.aws.api.cloudformation import StackStatus
from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocEntityDelta

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Resolve nothing of what a deletion has nothing to do with."""
    replace(ChangeSetModelExecutor, "visit_node_resource", _build_resource)
    replace(ChangeSetModelExecutor, "visit_node_outputs", _build_outputs)


def _build_resource(original: Callable[..., Any]) -> Callable[..., Any]:
    def visit_node_resource(self: ChangeSetModelExecutor, node_resource: Any) -> Any:
        made = self._before_resolved_resources.get(node_resource.name, {}).get("PhysicalResourceId")
        if _deletes(self) and made is None:
            return PreprocEntityDelta()
        return original(self, node_resource)

    return visit_node_resource


def _build_outputs(original: Callable[..., Any]) -> Callable[..., Any]:
    def visit_node_outputs(self: ChangeSetModelExecutor, node_outputs: Any) -> Any:
        if _deletes(self):
            return PreprocEntityDelta(before=[], after=[])
        return original(self, node_outputs)

    return visit_node_outputs


def _deletes(executor: ChangeSetModelExecutor) -> bool:
    return bool(executor._change_set.stack.status == StackStatus.DELETE_IN_PROGRESS)
