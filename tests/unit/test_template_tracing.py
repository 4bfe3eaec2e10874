"""X-Ray: nothing of it by default, and all that it takes where it is wanted."""

from typing import Any

from infra.template import STAGES, build_template
from infra.template.document import FUNCTION_TYPE, REST_API_TYPE, without
from infra.template.tracing import POLICY, TRACED, TRACING
from tests.templates import of_type
from tests.unit.test_template import sample

Json = dict[str, Any]
STAGE = STAGES["prod"]


def decided(value: Any, *, on: bool) -> Any:
    """``value`` with the condition decided."""
    if isinstance(value, list):
        return [decided(item, on=on) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("Fn::If", [None])[0] == TRACED:
        return decided(value["Fn::If"][1 if on else 2], on=on)
    return {name: decided(item, on=on) for name, item in value.items()}


def template() -> Json:
    return build_template(sample(), STAGE)


def roles(found: Json) -> list[Json]:
    return [resource["Properties"] for resource in of_type(found, "AWS::IAM::Role").values()]


def test_by_default_nothing_is_traced() -> None:
    assert template()["Parameters"][TRACING]["Default"] == "off"
    found = decided(template(), on=False)
    assert {one["Properties"]["Tracing"] for one in of_type(found, FUNCTION_TYPE).values()} == {"PassThrough"}
    assert [one["Properties"]["TracingEnabled"] for one in of_type(found, REST_API_TYPE).values()] == [False]
    assert all(role["ManagedPolicyArns"] == {"Ref": "AWS::NoValue"} for role in roles(found))
    assert POLICY not in without(template(), (TRACED,))["Resources"]


def test_where_it_is_wanted_functions_and_api_are_traced_and_may_say_so() -> None:
    found = decided(template(), on=True)
    assert {one["Properties"]["Tracing"] for one in of_type(found, FUNCTION_TYPE).values()} == {"Active"}
    assert [one["Properties"]["TracingEnabled"] for one in of_type(found, REST_API_TYPE).values()] == [True]
    # By reference: so the policy is there before the function that Lambda would refuse without it.
    assert all(role["ManagedPolicyArns"] == [{"Ref": POLICY}] for role in roles(found))
    assert of_type(found, "AWS::IAM::ManagedPolicy").keys() == {POLICY}
    policy = found["Resources"][POLICY]
    assert policy["Condition"] == TRACED
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
