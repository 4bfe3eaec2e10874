"""Small helpers over a CloudFormation template held as plain JSON values."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

Json = dict[str, Any]

FUNCTION_TYPE = "AWS::Serverless::Function"
REST_API_TYPE = "AWS::Serverless::Api"
PERMISSION_TYPE = "AWS::Lambda::Permission"
LOG_GROUP_TYPE = "AWS::Logs::LogGroup"
NO_VALUE: Json = {"Ref": "AWS::NoValue"}
"""In place of a property or an item that is to be left out."""


class TemplateError(Exception):
    """Chalice's template is not of the shape this code completes; the message says what is amiss."""


def resources_of_type(template: Json, resource_type: str) -> Iterator[tuple[str, Json]]:
    """Pairs of logical id and resource, in the template's order."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == resource_type:
            yield logical_id, resource


def add_resource(template: Json, logical_id: str, resource: Json) -> None:
    """Adds a resource; raises TemplateError when the id is taken, because overwriting would lose the other."""
    if logical_id in template["Resources"]:
        raise TemplateError(f"two resources want the logical id {logical_id}")
    template["Resources"][logical_id] = resource


def add_dependency(resource: Json, logical_id: str) -> None:
    """Makes ``resource`` wait for another, beside what it waits for already."""
    present = resource.get("DependsOn", [])
    names = [present] if isinstance(present, str) else list(present)
    if logical_id not in names:
        names.append(logical_id)
    resource["DependsOn"] = names


def role_of(template: Json, function_id: str, properties: Json) -> Json:
    """The role of a function, to add permissions to; raises TemplateError when the template has none for it."""
    role = properties["Role"]
    role_id = role["Fn::GetAtt"][0] if isinstance(role, dict) else None
    if role_id not in template["Resources"]:
        raise TemplateError(f"function {function_id} has no role in this template to add permissions to")
    resource: Json = template["Resources"][role_id]
    return resource


def given(value: Json) -> Json:
    """The condition that ``value``, text CloudFormation looks up, is not empty."""
    return {"Fn::Not": [{"Fn::Equals": [value, ""]}]}


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of a JSON value with ``change`` applied to every string in it, keys excepted."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {key: map_strings(item, change) for key, item in value.items()}
    return value


def without(template: Json, conditions: Collection[str]) -> Json:
    """A copy of ``template`` in which these conditions are decided, and false; so are those that want one of them."""
    conditions = {*conditions, *_wanting(template.get("Conditions", {}), conditions)}
    kept = {name: value for name, value in template.items() if name != "Conditions"}
    for section in ("Resources", "Outputs"):
        kept[section] = {
            name: _decided(value, conditions)
            for name, value in template[section].items()
            if value.get("Condition") not in conditions
        }
    left = {name: value for name, value in template.get("Conditions", {}).items() if name not in conditions}
    return {**kept, "Conditions": left} if left else kept


def _wanting(declared: Json, conditions: Collection[str]) -> list[str]:
    return [
        name
        for name, condition in declared.items()
        if any(part.get("Condition") in conditions for part in condition.get("Fn::And", []))
    ]


def _decided(value: Any, conditions: Collection[str]) -> Any:
    if isinstance(value, list):
        return [kept for item in value if (kept := _decided(item, conditions)) != NO_VALUE]
    if not isinstance(value, dict):
        return value
    branches = value.get("Fn::If")
    if branches is not None and branches[0] in conditions:
        return _decided(branches[2], conditions)
    if branches is not None:
        # One that is not decided keeps its branches, also one that leaves the value out.
        return {"Fn::If": [branches[0], *(_decided(branch, conditions) for branch in branches[1:])]}
    decided = {name: _decided(item, conditions) for name, item in value.items()}
    return {name: item for name, item in decided.items() if item != NO_VALUE}
