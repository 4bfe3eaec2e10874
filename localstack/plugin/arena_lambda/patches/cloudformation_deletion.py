"""Fault: deleting a stack whose creation failed deletes nothing, and the stack is called deleted: the first resource
that was never made ends it, since what that one refers to was not made either. The stack's functions, with the
environments kept warm for them, stay for ever.

Now: what was never made is passed over, and so are the outputs.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocEntityDelta

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Leave out of a deletion what there is nothing to delete of."""
    replace(ChangeSetModelExecutor, "visit_node_resource", _build_resource)
    replace(ChangeSetModelExecutor, "visit_node_outputs", _build_outputs)


def _build_resource(original: Callable[..., Any]) -> Callable[..., Any]:
    def visit_node_resource(self: ChangeSetModelExecutor, node_resource: Any) -> Any:
        if _deletes(self) and not _left_something(self._before_resolved_resources.get(node_resource.name, {})):
            return PreprocEntityDelta()
        return original(self, node_resource)

    return visit_node_resource


def _left_something(resource: dict[str, Any]) -> bool:
    """A resource that failed has no physical id, and is known by its properties where it was half made."""
    return bool(resource.get("PhysicalResourceId") or resource.get("Properties"))


def _build_outputs(original: Callable[..., Any]) -> Callable[..., Any]:
    def visit_node_outputs(self: ChangeSetModelExecutor, node_outputs: Any) -> Any:
        if _deletes(self):
            return PreprocEntityDelta(before=[], after=[])
        return original(self, node_outputs)

    return visit_node_outputs


def _deletes(executor: ChangeSetModelExecutor) -> bool:
    """A creation goes on where its stack is deleted meanwhile, so that the stack's status does not tell."""
    return executor._change_set.template is None
