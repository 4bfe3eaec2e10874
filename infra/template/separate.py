"""Serves groups of routes by functions of their own: the same code, other environments.

Done to Chalice's own template, before anything is completed, so that what holds for any function holds for these.
"""

import copy
from collections.abc import Sequence
from functools import partial

from infra.template.document import (
    PERMISSION_TYPE,
    REST_API_TYPE,
    Json,
    TemplateError,
    add_resource,
    map_strings,
    resources_of_type,
    role_of,
)
from infra.template.functions import API_FUNCTION
from infra.template.groups import Group, assigned
from infra.template.routes import routes_by_function


def separate(template: Json, groups: Sequence[Group]) -> None:
    """Gives each group its function, role and permission, and its routes to it, in place. Raises GroupsError."""
    if not groups:
        return
    paths = [path for found in routes_by_function(template).values() for path in found]
    group_of = assigned(groups, paths)
    for group in groups:
        _add_function(template, group)
    for _, api in resources_of_type(template, REST_API_TYPE):
        routes = api["Properties"]["DefinitionBody"]["paths"]
        for path, group in group_of.items():
            routes[path] = map_strings(routes[path], partial(_moved, group.function_id))


def _add_function(template: Json, group: Group) -> None:
    resources = template["Resources"]
    function = copy.deepcopy(resources[API_FUNCTION])
    properties = function["Properties"]
    role_id = f"{group.function_id}Role"
    role = copy.deepcopy(role_of(template, API_FUNCTION, properties))
    role["Properties"]["Policies"][0]["PolicyName"] = f"{role_id}Policy"
    properties["Role"] = {"Fn::GetAtt": [role_id, "Arn"]}
    if group.memory_mb is not None:
        properties["MemorySize"] = group.memory_mb
    if group.provisioned_concurrency:
        properties["ProvisionedConcurrencyConfig"] = {"ProvisionedConcurrentExecutions": group.provisioned_concurrency}
    add_resource(template, role_id, role)
    add_resource(template, group.function_id, function)
    add_resource(template, f"{group.function_id}InvokePermission", _permission(template, group.function_id))


def _permission(template: Json, function_id: str) -> Json:
    """What lets the API call its own function, for another one."""
    for _, permission in resources_of_type(template, PERMISSION_TYPE):
        if permission["Properties"]["FunctionName"] == {"Ref": API_FUNCTION}:
            own = copy.deepcopy(permission)
            own["Properties"]["FunctionName"] = {"Ref": function_id}
            return own
    raise TemplateError(f"nothing lets the API call {API_FUNCTION}")


def _moved(function_id: str, text: str) -> str:
    return text.replace(f"${{{API_FUNCTION}.Arn}}", f"${{{function_id}.Arn}}")
