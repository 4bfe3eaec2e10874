"""Puts the arena into what the foundation gives it: its network, its key, its firewall, its own names.

Each is optional: an empty parameter leaves it out. ``./arena deploy`` fills them in from the foundation's outputs.
"""

from collections.abc import Mapping
from typing import Any, Final

from infra.template.api import REST_API
from infra.template.document import (
    FUNCTION_TYPE,
    LOG_GROUP_TYPE,
    NO_VALUE,
    Json,
    add_resource,
    given,
    resources_of_type,
    role_of,
    without,
)
from infra.template.stage import API_STAGE
from infra.template.websocket import API as WEBSOCKET_API_ID
from infra.template.websocket import MANAGED
from infra.template.websocket import STAGE as WEBSOCKET_STAGE

SUBNETS: Final = "SubnetIds"
SECURITY_GROUPS: Final = "SecurityGroupIds"
WEB_ACL: Final = "WebAclArn"
DOMAIN: Final = "DomainName"
CERTIFICATE: Final = "CertificateArn"
DATA_KEY: Final = "DataKeyArn"

IN_NETWORK: Final = "FunctionsAreInANetwork"
GUARDED: Final = "FirewallIsGiven"
NAMED: Final = "DomainIsGiven"
KEYED: Final = "DataKeyIsGiven"
_NAMED_WEBSOCKETS: Final = "WebSocketDomainIsGiven"
_CONDITIONS: Final[Mapping[str, str]] = {IN_NETWORK: SUBNETS, GUARDED: WEB_ACL, NAMED: CERTIFICATE, KEYED: DATA_KEY}
"""Condition → parameter that decides it."""

REST_STAGE: Final = f"{REST_API}{API_STAGE}Stage"
"""The logical id the SAM transform gives to the REST API's stage."""
_TLS: Final = "TLS_1_2"


def complete_surroundings(template: Json) -> None:
    """Completes ``template`` in place. After ``complete_websocket``."""
    template["Parameters"].update(_parameters())
    conditions = template.setdefault("Conditions", {})
    for condition, parameter in _CONDITIONS.items():
        value = {"Fn::Join": ["", {"Ref": parameter}]} if parameter == SUBNETS else {"Ref": parameter}
        conditions[condition] = given(value)
    for function_id, function in resources_of_type(template, FUNCTION_TYPE):
        _enter_network(template, function_id, function["Properties"])
    for _, group in resources_of_type(template, LOG_GROUP_TYPE):
        group["Properties"]["KmsKeyId"] = {"Fn::If": [KEYED, {"Ref": DATA_KEY}, NO_VALUE]}
    if REST_API in template["Resources"]:
        add_resource(template, "FirewallAssociation", _association())
        _name(template)
    if WEBSOCKET_API_ID in template["Resources"]:
        conditions[_NAMED_WEBSOCKETS] = {"Fn::And": [{"Condition": NAMED}, {"Condition": MANAGED}]}
        _name_websockets(template)


def without_surroundings(template: Json, values: Mapping[str, str]) -> Json:
    """A copy of a completed template in which what ``values`` leave out is left out already.

    For LocalStack, which refuses types it does not know even under a condition that is false.
    """
    return without(template, [condition for condition, name in _CONDITIONS.items() if not values.get(name)])


def _parameters() -> dict[str, Json]:
    def optional(pattern: str, description: str) -> Json:
        return {"Type": "String", "Default": "", "AllowedPattern": f"^({pattern})?$", "Description": description}

    def several(description: str) -> Json:
        return {"Type": "CommaDelimitedList", "Default": "", "Description": description}

    return {
        SUBNETS: several("Subnets of the functions. Empty: Lambda's own network."),
        SECURITY_GROUPS: several("Security groups of the functions in their subnets."),
        DATA_KEY: optional("arn:.+", "Key the functions' logs are kept with. Empty: CloudWatch's own."),
        WEB_ACL: optional("arn:.+", "Firewall before the API. Empty: none."),
        DOMAIN: optional(
            r"([a-z0-9-]+\.)+[a-z]+", "Domain of the arena: the API is at api. of it, WebSockets at ws. of it."
        ),
        CERTIFICATE: optional("arn:.+", "Certificate of this region for *. of the domain. Empty: AWS's names alone."),
    }


def _enter_network(template: Json, function_id: str, properties: Json) -> None:
    network = {
        "SubnetIds": {"Ref": SUBNETS},
        "SecurityGroupIds": {"Ref": SECURITY_GROUPS},
    }
    properties["VpcConfig"] = {"Fn::If": [IN_NETWORK, network, NO_VALUE]}
    policies = role_of(template, function_id, properties)["Properties"]["Policies"]
    policy = {"Fn::If": [IN_NETWORK, _interfaces(), NO_VALUE]}
    if policy not in policies:
        policies.append(policy)


def _interfaces() -> Json:
    """Lambda makes the interfaces with the function's role, and asks to be let for all resources; the function's code
    may not (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice)."""
    actions = [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ]
    functions = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-*"
    code = {"ArnLike": {"lambda:SourceFunctionArn": {"Fn::Sub": functions}}}
    return {
        "PolicyName": "Network",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "Lambda", "Effect": "Allow", "Action": actions, "Resource": "*"},
                {"Sid": "NotTheCode", "Effect": "Deny", "Action": actions, "Resource": "*", "Condition": code},
            ],
        },
    }


def _association() -> Json:
    stage = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::/restapis/${{{REST_API}}}/stages/{API_STAGE}"
    return {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Condition": GUARDED,
        "DependsOn": [REST_STAGE],
        "Properties": {"ResourceArn": {"Fn::Sub": stage}, "WebACLArn": {"Ref": WEB_ACL}},
    }


def _name(template: Json) -> None:
    name = {
        "Type": "AWS::ApiGateway::DomainName",
        "Condition": NAMED,
        "Properties": {
            # Both names that lead here, ``api.`` and ``nearest.``; WebSockets have a domain of their own.
            "DomainName": {"Fn::Sub": f"*.${{{DOMAIN}}}"},
            "RegionalCertificateArn": {"Ref": CERTIFICATE},
            "EndpointConfiguration": {"Types": ["REGIONAL"]},
            "SecurityPolicy": _TLS,
        },
    }
    # No path: the game's addresses begin at the domain's root.
    mapping = {
        "Type": "AWS::ApiGateway::BasePathMapping",
        "Condition": NAMED,
        "DependsOn": [REST_STAGE],
        "Properties": {"DomainName": {"Ref": "ApiDomain"}, "RestApiId": {"Ref": REST_API}, "Stage": API_STAGE},
    }
    add_resource(template, "ApiDomain", name)
    add_resource(template, "ApiMapping", mapping)
    for output, attribute in (("ApiTarget", "RegionalDomainName"), ("ApiTargetZone", "RegionalHostedZoneId")):
        template["Outputs"][output] = {"Condition": NAMED, "Value": {"Fn::GetAtt": ["ApiDomain", attribute]}}


def _name_websockets(template: Json) -> None:
    configuration: dict[str, Any] = {
        "CertificateArn": {"Ref": CERTIFICATE},
        "EndpointType": "REGIONAL",
        "SecurityPolicy": _TLS,
    }
    name = {
        "Type": "AWS::ApiGatewayV2::DomainName",
        "Condition": _NAMED_WEBSOCKETS,
        "Properties": {
            "DomainName": {"Fn::Sub": f"ws.${{{DOMAIN}}}"},
            "DomainNameConfigurations": [configuration],
        },
    }
    mapping = {
        "Type": "AWS::ApiGatewayV2::ApiMapping",
        "Condition": _NAMED_WEBSOCKETS,
        "Properties": {
            "DomainName": {"Ref": "WebSocketDomain"},
            "ApiId": {"Ref": WEBSOCKET_API_ID},
            "Stage": {"Ref": WEBSOCKET_STAGE},
        },
    }
    add_resource(template, "WebSocketDomain", name)
    add_resource(template, "WebSocketMapping", mapping)
    for output, attribute in (
        ("WebSocketTarget", "RegionalDomainName"),
        ("WebSocketTargetZone", "RegionalHostedZoneId"),
    ):
        value = {"Fn::GetAtt": ["WebSocketDomain", attribute]}
        template["Outputs"][output] = {"Condition": _NAMED_WEBSOCKETS, "Value": value}
