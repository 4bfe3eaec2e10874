"""Completes the WebSocket API: it may be left out, its functions are reached by alias, replies reach the client.

Where parameter WebSocketApi is ``none`` (the local cloud: LocalStack has no WebSocket APIs) only the functions
are deployed, and something else calls them and holds the connections; WebSocketEndpoint says where.
"""

from typing import Final

from infra.template.document import PERMISSION_TYPE, Json, TemplateError, add_dependency, add_resource, without
from infra.template.functions import alias_logical_id
from infra.template.parameters import WEBSOCKET_API, WEBSOCKET_ENDPOINT
from infra.template.stage import StageSpec

API: Final = "WebsocketAPI"
"""Chalice's logical ids."""
STAGE: Final = "WebsocketAPIStage"
CONNECT_FUNCTION: Final = "WebsocketConnect"
MESSAGE_FUNCTION: Final = "WebsocketMessage"
_FUNCTIONS: Final = (CONNECT_FUNCTION, MESSAGE_FUNCTION, "WebsocketDisconnect")
_DEPLOYMENT: Final = "WebsocketAPIDeployment"
_MESSAGE_ROUTE: Final = "WebsocketMessageRoute"
_TYPES: Final = "AWS::ApiGatewayV2::"

PUSHING_FUNCTION: Final = "LivePush"
MANAGED: Final = "WebSocketApiIsManaged"
_ENDPOINT_VARIABLE: Final = "ARENA_WEBSOCKET_ENDPOINT"
_HOST: Final = f"${{{API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"


def complete_websocket(template: Json, stage: StageSpec) -> None:
    """Completes the WebSocket API of ``template`` in place, if there is one."""
    resources = template["Resources"]
    if API not in resources:
        return
    template["Parameters"].update(_parameters())
    template.setdefault("Conditions", {})[MANAGED] = {"Fn::Equals": [{"Ref": WEBSOCKET_API}, "managed"]}
    api_stage = _complete_stage(template, stage)
    _answer_messages(template)
    _permit(template, CONNECT_FUNCTION, "DELETE", api_stage)
    _permit(template, PUSHING_FUNCTION, "POST", api_stage)
    if CONNECT_FUNCTION in resources:
        variables = resources[CONNECT_FUNCTION]["Properties"]["Environment"]["Variables"]
        managed, other = {"Fn::Sub": f"https://{_HOST}/{api_stage}"}, {"Ref": WEBSOCKET_ENDPOINT}
        variables[_ENDPOINT_VARIABLE] = {"Fn::If": [MANAGED, managed, other]}
    for function_id in _FUNCTIONS:
        if function_id in resources:
            # The integrations name the alias as text, which CloudFormation can't see.
            add_dependency(resources[f"{function_id}APIIntegration"], alias_logical_id(function_id))
    for resource_id, resource in resources.items():
        if resource["Type"].startswith(_TYPES) or _permits_the_api(resource_id, resource):
            resource["Condition"] = MANAGED
    _replace_outputs(template, api_stage)


def without_websocket_api(template: Json) -> Json:
    """A copy of a completed template as it is where WebSocketApi is ``none``, the condition already decided.

    For LocalStack, which refuses types it does not know even under a condition that is false.
    """
    return without(template, (MANAGED,))


def _parameters() -> dict[str, Json]:
    return {
        WEBSOCKET_API: {
            "Type": "String",
            "Default": "managed",
            "AllowedValues": ["managed", "none"],
            "Description": "managed: API Gateway holds WebSocket connections. none: something else does.",
        },
        WEBSOCKET_ENDPOINT: {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "^(https?://.+)?$",
            "Description": "Where connections are held if not by API Gateway; speaks its management API.",
        },
    }


def _complete_stage(template: Json, stage: StageSpec) -> str:
    """The name of the API's stage."""
    properties = template["Resources"][STAGE]["Properties"]
    # Chalice's deployment is made once: with it, a route or integration changed later would never go live.
    template["Resources"].pop(_DEPLOYMENT)
    properties.pop("DeploymentId")
    properties["AutoDeploy"] = True
    properties["DefaultRouteSettings"] = {
        "ThrottlingRateLimit": stage.tier.throttle_rate,
        "ThrottlingBurstLimit": stage.tier.throttle_burst,
    }
    return str(properties["StageName"])


def _answer_messages(template: Json) -> None:
    """What the message function returns goes back to the client; without a route response it is dropped."""
    if _MESSAGE_ROUTE not in template["Resources"]:
        return
    template["Resources"][_MESSAGE_ROUTE]["Properties"]["RouteResponseSelectionExpression"] = "$default"
    response = {
        "Type": "AWS::ApiGatewayV2::RouteResponse",
        "Properties": {"ApiId": {"Ref": API}, "RouteId": {"Ref": _MESSAGE_ROUTE}, "RouteResponseKey": "$default"},
    }
    add_resource(template, f"{_MESSAGE_ROUTE}Response", response)


def _permit(template: Json, function_id: str, method: str, api_stage: str) -> None:
    """Lets a function use one method of the management API, on this API's connections alone."""
    resources = template["Resources"]
    if function_id not in resources:
        return
    role_id = resources[function_id]["Properties"]["Role"]["Fn::GetAtt"][0]
    if role_id not in resources:
        raise TemplateError(f"function {function_id} has no role in this template to permit its connections")
    connections = f"${{{API}}}/{api_stage}/{method}/@connections/*"
    statement = {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": {
            "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:" + connections,
        },
    }
    # A policy of its own, because it exists only where the API does.
    policy = {
        "Type": "AWS::IAM::Policy",
        "Condition": MANAGED,
        "Properties": {
            "PolicyName": "Connections",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "Roles": [{"Ref": role_id}],
        },
    }
    add_resource(template, f"{function_id}Connections", policy)


def _permits_the_api(resource_id: str, resource: Json) -> bool:
    permissions = {f"{function_id}InvokePermission" for function_id in _FUNCTIONS}
    return resource["Type"] == PERMISSION_TYPE and resource_id in permissions


def _replace_outputs(template: Json, api_stage: str) -> None:
    outputs = template["Outputs"]
    for name in ("WebsocketAPIId", "WebsocketConnectEndpointURL", *(f"{one}HandlerArn" for one in _FUNCTIONS)):
        outputs.pop(name, None)
    outputs["WebSocketUrl"] = {"Condition": MANAGED, "Value": {"Fn::Sub": f"wss://{_HOST}/{api_stage}"}}
