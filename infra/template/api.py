"""Completes the APIs: integrations call the alias, refusals wear the envelope, the stage is throttled."""

import re
from typing import Final

from infra.template.document import REST_API_TYPE, Json, TemplateError, add_dependency, map_strings, resources_of_type
from infra.template.functions import API_FUNCTION, alias_logical_id
from infra.template.gateway_responses import EXTENSION, gateway_responses
from infra.template.routes import routes_by_function
from infra.template.stage import ALIAS, StageSpec

REST_API: Final = "RestAPI"
"""Chalice's logical id of the REST API."""

_REPLACED_OUTPUTS: Final = ("RestAPIId", "APIHandlerName", "APIHandlerArn", "EndpointURL")
_INVOCATIONS = re.compile(r"(:lambda:path/.*)(?<!:" + ALIAS + r")/invocations$")


def complete_apis(template: Json, stage: StageSpec) -> None:
    """Completes the REST API, and the integrations of any other API, of ``template`` in place."""
    for resource_id, resource in template["Resources"].items():
        template["Resources"][resource_id] = map_strings(resource, _through_alias)
    for api_id, api in resources_of_type(template, REST_API_TYPE):
        if api_id != REST_API:
            raise TemplateError(f"unexpected REST API {api_id}: Chalice calls its own {REST_API}")
        _complete_rest_api(template, api, stage)
        _replace_outputs(template, api["Properties"]["StageName"])


def _through_alias(text: str) -> str:
    """A Lambda integration's URI, pointed at the alias; any other text unchanged."""
    return _INVOCATIONS.sub(rf"\1:{ALIAS}/invocations", text)


def _complete_rest_api(template: Json, api: Json, stage: StageSpec) -> None:
    properties = api["Properties"]
    properties["DefinitionBody"][EXTENSION] = gateway_responses()
    # CloudWatch knows an API by its name alone: two stacks of one account must not share it.
    properties["Name"] = properties["DefinitionBody"]["info"]["title"] = {"Ref": "AWS::StackName"}
    properties["MethodSettings"] = [
        {
            "ResourcePath": "/*",
            "HttpMethod": "*",
            "ThrottlingRateLimit": stage.tier.throttle_rate,
            "ThrottlingBurstLimit": stage.tier.throttle_burst,
        }
    ]
    # The URIs name the aliases as text, which CloudFormation can't see. Waiting for them also means that a
    # changed API goes live only once the versions behind it are warm.
    for function_id in routes_by_function(template):
        add_dependency(api, alias_logical_id(function_id))


def _replace_outputs(template: Json, api_stage: str) -> None:
    for name in _REPLACED_OUTPUTS:
        template["Outputs"].pop(name, None)
    host = f"https://${{{REST_API}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"
    template["Outputs"].update(
        {
            "ApiUrl": {"Value": {"Fn::Sub": f"{host}/{api_stage}"}},
            "RestApiId": {"Value": {"Ref": REST_API}},
            "ApiFunctionName": {"Value": {"Ref": API_FUNCTION}},
            "ApiFunctionAlias": {"Value": ALIAS},
        }
    )
