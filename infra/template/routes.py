"""Which function answers which of the REST API's paths, read from the template; rights follow routes."""

import re
from typing import Any, Final

from infra.template.document import REST_API_TYPE, Json, TemplateError, resources_of_type
from infra.template.functions import API_FUNCTION
from infra.template.groups import below

_INTEGRATION: Final = "x-amazon-apigateway-integration"
_FUNCTION: Final = re.compile(r"\$\{(\w+)\.Arn\}")


def routes_by_function(template: Json) -> dict[str, list[str]]:
    """Paths by the function that answers them, with every method; the API's own function first, if there is one.

    Raises TemplateError for a path that calls another number of functions than one.
    """
    found: dict[str, list[str]] = {API_FUNCTION: []} if API_FUNCTION in template["Resources"] else {}
    for _, api in resources_of_type(template, REST_API_TYPE):
        for path, methods in api["Properties"]["DefinitionBody"]["paths"].items():
            called = {function for method in methods.values() for function in _called(method)}
            if len(called) != 1:
                raise TemplateError(f"path {path} calls {', '.join(sorted(called)) or 'no function'}: it must be one")
            found.setdefault(called.pop(), []).append(path)
    return found


def entitled(template: Json, *prefixes: str) -> list[str]:
    """The functions to be given what paths below these prefixes need: those that answer them, and the API's own.

    The API's own keeps its rights when routes leave it: a role has no versions, and the update that moves the routes
    would take them from the version that serves them until it is done.
    """
    return [
        function_id
        for function_id, paths in routes_by_function(template).items()
        if function_id == API_FUNCTION or any(below(path, prefix) for path in paths for prefix in prefixes)
    ]


def separate_functions(template: Json) -> dict[str, int]:
    """Environments kept warm, by the function that serves a group of routes."""
    found = {}
    for function_id in routes_by_function(template):
        if function_id != API_FUNCTION:
            kept = template["Resources"][function_id]["Properties"].get("ProvisionedConcurrencyConfig", {})
            found[function_id] = int(kept.get("ProvisionedConcurrentExecutions", 0))
    return found


def _called(method: Any) -> list[str]:
    uri = method[_INTEGRATION].get("uri", {})
    return _FUNCTION.findall(uri.get("Fn::Sub", ""))
