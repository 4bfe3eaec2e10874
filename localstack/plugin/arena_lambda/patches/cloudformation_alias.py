"""Fault: CloudFormation cannot update AWS::Lambda::Alias: a redeploy leaves the alias on the old version, and a stack
update that touches it may end in a rollback that deletes it.

Now: an update moves the alias and follows its description, weights and ProvisionedConcurrencyConfig. A provisioned
number that the template did not change is left alone: after the first deployment it belongs to who scales.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent
from localstack.services.lambda_.resource_providers.lambda_alias import LambdaAliasProvider

from arena_lambda.patches.replacing import replace

_APPLIED = "arena_applied"
_UPDATED = ("FunctionVersion", "Description", "RoutingConfig")


def apply() -> None:
    """Give the provider an update."""
    replace(LambdaAliasProvider, "update", _build)


def _build(_: Callable[..., Any]) -> Callable[..., Any]:
    def update(_provider: LambdaAliasProvider, request: Any) -> ProgressEvent[Any]:
        model, previous = request.desired_state, request.previous_state or {}
        client = request.aws_client_factory.lambda_
        named = {"FunctionName": model["FunctionName"]}
        if not request.custom_context.get(_APPLIED):
            changes = {name: model[name] for name in _UPDATED if model.get(name) is not None}
            changes.setdefault("Description", "")
            changes.setdefault("RoutingConfig", {})
            model["Id"] = client.update_alias(**named, Name=model["Name"], **changes)["AliasArn"]
            waiting = _apply_provisioned(client, {**named, "Qualifier": model["Name"]}, previous, model)
            status = OperationStatus.IN_PROGRESS if waiting else OperationStatus.SUCCESS
            return ProgressEvent(status=status, resource_model=model, custom_context={_APPLIED: True})
        state = client.get_provisioned_concurrency_config(**named, Qualifier=model["Name"])
        return ProgressEvent(
            status={"IN_PROGRESS": OperationStatus.IN_PROGRESS, "READY": OperationStatus.SUCCESS}.get(
                state["Status"], OperationStatus.FAILED
            ),
            resource_model=model,
            custom_context={_APPLIED: True},
            message=state.get("StatusReason") or "",
        )

    return update


def _apply_provisioned(
    client: Any, named: Mapping[str, str], previous: Mapping[str, Any], model: Mapping[str, Any]
) -> bool:
    """Carry a change of the template's number over; whether there is something to wait for."""
    before, after = _count(previous), _count(model)
    if before == after:
        return False
    if after is None:
        client.delete_provisioned_concurrency_config(**named)
        return False
    client.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=after)
    return True


def _count(model: Mapping[str, Any]) -> int | None:
    configured = model.get("ProvisionedConcurrencyConfig")
    return int(configured["ProvisionedConcurrentExecutions"]) if configured else None
