"""Fault: CloudFormation cannot update AWS::ApiGateway::RestApi and ::Stage; it says UPDATE_COMPLETE, but a redeploy
with a new route keeps serving the old routes. And deleting an old AWS::ApiGateway::Deployment deletes every stage of
its API, also those that have moved on.

Now: the API's definition is put anew, the stage moves to its new deployment, and a deployment goes alone.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any

from localstack.services.apigateway.resource_providers.aws_apigateway_deployment import ApiGatewayDeploymentProvider
from localstack.services.apigateway.resource_providers.aws_apigateway_restapi import ApiGatewayRestApiProvider
from localstack.services.apigateway.resource_providers.aws_apigateway_stage import ApiGatewayStageProvider
from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent

from arena_lambda.patches.replacing import replace

_STAGE_FIELDS = {"DeploymentId": "/deploymentId", "Description": "/description", "TracingEnabled": "/tracingEnabled"}


def apply() -> None:
    """Give the API and its stage an update, and confine the deployment's deletion."""
    replace(ApiGatewayRestApiProvider, "update", _build_api)
    replace(ApiGatewayStageProvider, "update", _build_stage)
    replace(ApiGatewayDeploymentProvider, "delete", _build_deployment_deletion)


def _build_api(_: Callable[..., Any]) -> Callable[..., Any]:
    def update(_provider: ApiGatewayRestApiProvider, request: Any) -> ProgressEvent[Any]:
        model, previous = request.desired_state, request.previous_state
        client = request.aws_client_factory.apigateway
        api_id = model["RestApiId"] = previous["RestApiId"]
        model.setdefault("Name", previous["Name"])
        body = model.get("Body")
        if body:
            client.put_rest_api(
                restApiId=api_id,
                mode="overwrite",
                body=(json.dumps(body) if isinstance(body, dict) else body).encode(),
                parameters={"basepath": "ignore"} | model.get("Parameters", {}),
            )
        for resource in client.get_resources(restApiId=api_id, limit=500)["items"]:
            if resource["path"] == "/":
                model["RootResourceId"] = resource["id"]
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    return update


def _build_stage(_: Callable[..., Any]) -> Callable[..., Any]:
    def update(_provider: ApiGatewayStageProvider, request: Any) -> ProgressEvent[Any]:
        model, previous = request.desired_state, request.previous_state
        model.setdefault("StageName", previous["StageName"])
        operations = [
            {"op": "replace", "path": path, "value": str(model[name])}
            for name, path in _STAGE_FIELDS.items()
            if name in model and model[name] != previous.get(name)
        ]
        before, after = previous.get("Variables") or {}, model.get("Variables") or {}
        operations += [
            {"op": "replace", "path": f"/variables/{name}", "value": value}
            for name, value in after.items()
            if before.get(name) != value
        ]
        operations += [{"op": "remove", "path": f"/variables/{name}"} for name in before.keys() - after.keys()]
        if operations:
            request.aws_client_factory.apigateway.update_stage(
                restApiId=model["RestApiId"], stageName=model["StageName"], patchOperations=operations
            )
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    return update


def _build_deployment_deletion(_: Callable[..., Any]) -> Callable[..., Any]:
    def delete(_provider: ApiGatewayDeploymentProvider, request: Any) -> ProgressEvent[Any]:
        model = request.desired_state
        client = request.aws_client_factory.apigateway
        with contextlib.suppress(client.exceptions.NotFoundException):
            client.delete_deployment(restApiId=model["RestApiId"], deploymentId=model["DeploymentId"])
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    return delete
