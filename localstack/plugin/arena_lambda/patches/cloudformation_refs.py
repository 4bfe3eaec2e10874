"""Fault: a Ref to a resource that is updated in place counts as a changed value, so whatever names that resource in a
create-only property (an alias or permission its function, a stage its API) is replaced: created again, which fails
because it exists, or deleted afterwards.

Now: a Ref changes only when its resource is new, removed or replaced, for only then has it another physical id.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.cloudformation.engine.v2.change_set_model import (
    ChangeSetModel,
    ChangeType,
    NodeCondition,
    NodeParameter,
    NodeResource,
    TerminalValue,
)

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Correct how a Ref's change is judged."""
    replace(ChangeSetModel, "_resolve_intrinsic_function_ref", _build)


def _build(original: Callable[..., ChangeType]) -> Callable[..., ChangeType]:
    def _resolve_intrinsic_function_ref(self: ChangeSetModel, arguments: Any) -> ChangeType:
        judged = original(self, arguments)
        if judged != ChangeType.MODIFIED or arguments.change_type != ChangeType.UNCHANGED:
            return judged
        if not isinstance(arguments, TerminalValue) or _names_no_resource(self, arguments.value):
            return judged
        resource = self._retrieve_or_visit_resource(resource_name=arguments.value)
        replaced = isinstance(resource, NodeResource) and resource.requires_replacement
        return judged if replaced else ChangeType.UNCHANGED

    return _resolve_intrinsic_function_ref


def _names_no_resource(model: ChangeSetModel, name: Any) -> bool:
    return (
        not isinstance(name, str)
        or name.startswith("AWS::")
        or isinstance(model._retrieve_condition_if_exists(condition_name=name), NodeCondition)
        or isinstance(model._retrieve_parameter_if_exists(parameter_name=name), NodeParameter)
    )
