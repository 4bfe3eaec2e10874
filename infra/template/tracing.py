"""X-Ray, where parameter Tracing is ``on``: API Gateway and Lambda record each request by themselves.

No library is packaged for it: the lines of the log carry the trace's id, and say more than segments of single calls
would. Off by default: then nothing is recorded, permitted or paid for.
"""

from typing import Any, Final

from infra.template.document import FUNCTION_TYPE, REST_API_TYPE, Json, add_resource, resources_of_type, role_of

TRACING: Final = "Tracing"
TRACED: Final = "TracingIsOn"
POLICY: Final = "TracingPolicy"

PARAMETER: Final[Json] = {
    "Type": "String",
    "Default": "off",
    "AllowedValues": ["on", "off"],
    "Description": "Whether X-Ray traces requests through API Gateway and Lambda.",
}


def complete_tracing(template: Json) -> None:
    """Completes the functions and the REST API of ``template`` in place."""
    template["Parameters"][TRACING] = PARAMETER
    template.setdefault("Conditions", {})[TRACED] = {"Fn::Equals": [{"Ref": TRACING}, "on"]}
    add_resource(template, POLICY, _policy())
    for function_id, function in resources_of_type(template, FUNCTION_TYPE):
        properties = function["Properties"]
        properties["Tracing"] = _if_traced("Active", "PassThrough")
        # Referred to by the role, not attached to it: Lambda refuses to trace for a role that may not yet.
        role_of(template, function_id, properties)["Properties"]["ManagedPolicyArns"] = _if_traced(
            [{"Ref": POLICY}], {"Ref": "AWS::NoValue"}
        )
    for _, api in resources_of_type(template, REST_API_TYPE):
        api["Properties"]["TracingEnabled"] = _if_traced(True, False)


def _if_traced(on: Any, off: Any) -> Json:
    return {"Fn::If": [TRACED, on, off]}


def _policy() -> Json:
    # Neither action knows resources.
    statement = {
        "Effect": "Allow",
        "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "Resource": "*",
    }
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Condition": TRACED,
        "Properties": {
            "Description": "Lets functions send what Lambda traces of them.",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        },
    }
