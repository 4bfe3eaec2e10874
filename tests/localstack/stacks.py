"""Small CloudFormation stacks for the tests."""

import hashlib
import json
import urllib.request
import uuid
from typing import Any, Literal

from tests.localstack.handlers import WHO
from tests.localstack.running import ROLE, Function, RunningLocalStack, eventually

SETTLED = ("COMPLETE", "FAILED")

WEB = WHO.replace("return {", "return {'statusCode': 200, 'body': __import__('json').dumps({").replace(
    "    }\n", "    })}\n"
)
"""What a function behind an API must answer."""

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
"""One that says something."""


class Stack:
    """One stack of a name of its own."""

    def __init__(self, localstack: RunningLocalStack) -> None:
        self.name = f"stack-{uuid.uuid4().hex[:8]}"
        self._api = localstack.client("cloudformation")

    def create(self, resources: dict[str, Any], **sections: Any) -> str:
        """Create it of these resources, and other sections of a template; return the status it ends in."""
        self._api.create_stack(StackName=self.name, TemplateBody=json.dumps({"Resources": resources, **sections}))
        return self.settled()

    def update(self, resources: dict[str, Any]) -> str:
        """Update it by UpdateStack; return the status it ends in."""
        self._api.update_stack(StackName=self.name, TemplateBody=json.dumps({"Resources": resources}))
        return self.settled()

    def create_by_change_set(self, resources: dict[str, Any], **sections: Any) -> str:
        """Create it as ``aws cloudformation deploy`` does; return the status it ends in."""
        self._api.execute_change_set(ChangeSetName=self._plan("CREATE", {"Resources": resources, **sections}))
        return self.settled()

    def update_by_change_set(self, resources: dict[str, Any]) -> str:
        """Update it as ``aws cloudformation deploy`` does; return the status it ends in."""
        self._api.execute_change_set(ChangeSetName=self.plan(resources))
        return self.settled()

    def plan(self, resources: dict[str, Any]) -> str:
        """Plan an update; return its change set's id."""
        return self._plan("UPDATE", {"Resources": resources})

    def _plan(self, kind: Literal["CREATE", "UPDATE"], template: dict[str, Any]) -> str:
        change_set = self._api.create_change_set(
            StackName=self.name,
            ChangeSetName=f"c{uuid.uuid4().hex[:8]}",
            TemplateBody=json.dumps(template),
            ChangeSetType=kind,
        )["Id"]
        eventually(
            lambda: self._api.describe_change_set(ChangeSetName=change_set)["Status"],
            lambda s: s in ("CREATE_COMPLETE", "FAILED"),
        )
        return str(change_set)

    def delete(self) -> str:
        self._api.delete_stack(StackName=self.name)
        return self.settled()

    def settled(self) -> str:
        """Wait until nothing is in progress; return the status."""
        return str(eventually(self._status, lambda status: status.endswith(SETTLED), seconds=180))

    def physical_id(self, logical_id: str) -> str:
        found = self._api.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def statuses(self) -> list[str]:
        """Its own so far, the oldest first."""
        return [str(one["ResourceStatus"]) for one in self._events() if one["LogicalResourceId"] == self.name]

    def made(self, logical_id: str) -> str:
        """The physical id of what was made for it last, whether or not it is still there."""
        made = [
            one["PhysicalResourceId"]
            for one in self._events()
            if one["LogicalResourceId"] == logical_id and one["ResourceStatus"] == "CREATE_COMPLETE"
        ]
        return str(made[-1])

    def reason(self) -> str:
        return str(self._describe().get("StackStatusReason", ""))

    def _events(self) -> list[dict[str, Any]]:
        events = self._api.describe_stack_events(StackName=self._describe()["StackId"])["StackEvents"]
        return [dict(one) for one in reversed(events)]

    def _status(self) -> str:
        return str(self._describe()["StackStatus"])

    def _describe(self) -> dict[str, Any]:
        # By its id a deleted stack can still be seen; by its name it cannot.
        stacks = self._api.list_stacks()["StackSummaries"]
        return next(dict(stack) for stack in stacks if stack["StackName"] == self.name)


def service(
    source: str, *, provisioned: int | None = 1, path: str = "/old", rate: str = "rate(5 minutes)", threshold: int = 1
) -> dict[str, Any]:
    """A function behind an alias, with an API, a timer and an alarm: what ``chalice package`` and SAM make of ours."""
    code, definition = _short_hash(source), _short_hash(path)
    alias_uri = {
        "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Live}/invocations",
    }
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": alias_uri}
    return {
        "Fn": _resource(
            "Lambda::Function",
            Runtime="python3.11",
            Handler="index.handler",
            Role=ROLE,
            Code={"ZipFile": source},
        ),
        f"FnVersion{code}": _resource("Lambda::Version", FunctionName={"Ref": "Fn"}) | {"DeletionPolicy": "Retain"},
        "Live": _resource(
            "Lambda::Alias",
            Name="live",
            FunctionName={"Ref": "Fn"},
            FunctionVersion={"Fn::GetAtt": [f"FnVersion{code}", "Version"]},
            **({} if provisioned is None else {"ProvisionedConcurrencyConfig": _executions(provisioned)}),
        ),
        "Permission": _resource(
            "Lambda::Permission",
            FunctionName={"Ref": "Live"},
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        ),
        "Api": _resource(
            "ApiGateway::RestApi",
            Name="tests",
            Body={
                "swagger": "2.0",
                "info": {"title": "tests", "version": "1"},
                "paths": {path: {"get": {"responses": {}, "x-amazon-apigateway-integration": integration}}},
            },
        ),
        f"ApiDeployment{definition}": _resource("ApiGateway::Deployment", RestApiId={"Ref": "Api"}),
        "ApiStage": _resource(
            "ApiGateway::Stage",
            RestApiId={"Ref": "Api"},
            DeploymentId={"Ref": f"ApiDeployment{definition}"},
            StageName="api",
        ),
        "Timer": _resource("Events::Rule", ScheduleExpression=rate, Targets=[{"Id": "live", "Arn": {"Ref": "Live"}}]),
        "Alarm": _resource(
            "CloudWatch::Alarm",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=threshold,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        ),
    }


def function_of(localstack: RunningLocalStack, stack: Stack) -> Function:
    """Of a ``service``."""
    return Function(localstack, stack.physical_id("Fn"))


def get(url: str) -> bytes:
    """An answer's body; raises ``HTTPError``."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return bytes(answer.read())


def queue(**properties: Any) -> dict[str, Any]:
    """A resource that is quick to make, and made anew under another name."""
    return _resource("SQS::Queue", **properties)


def unmakeable() -> dict[str, Any]:
    """A function whose code is nowhere. LocalStack makes resources in the order of their names: call it last."""
    return _resource(
        "Lambda::Function", Runtime="python3.11", Handler="a.b", Role=ROLE, Code={"S3Bucket": "nowhere", "S3Key": "no"}
    )


def user(**properties: Any) -> dict[str, Any]:
    """A resource that can't be deleted while it has a policy."""
    return _resource("IAM::User", **properties)


def named_after(logical_id: str) -> dict[str, Any]:
    """A queue that can't be made before the resource it is named after."""
    return queue(QueueName={"Fn::Sub": f"after-${{{logical_id}}}"})


def unsupported() -> dict[str, Any]:
    """A resource of a type that LocalStack does not make."""
    return _resource("WAFv2::WebACL", Scope="REGIONAL", DefaultAction={"Allow": {}})


def role(*managed: str, **inline: Any) -> dict[str, Any]:
    """A role with policies: some by their ARNs, and some of its own."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    return _resource(
        "IAM::Role",
        AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
        ManagedPolicyArns=list(managed),
        Policies=[{"PolicyName": name, "PolicyDocument": document} for name, document in inline.items()],
    )


def managed_policy(localstack: RunningLocalStack) -> str:
    """The ARN of a policy of no stack."""
    made = localstack.client("iam").create_policy(
        PolicyName=f"p-{uuid.uuid4().hex[:8]}", PolicyDocument=json.dumps(POLICY)
    )
    return str(made["Policy"]["Arn"])


def policies_of(localstack: RunningLocalStack, role_name: str) -> set[str]:
    """The names of its own, and the ARNs of the others."""
    iam = localstack.client("iam")
    attached = iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]
    return {*iam.list_role_policies(RoleName=role_name)["PolicyNames"], *(one["PolicyArn"] for one in attached)}


def _executions(count: int) -> dict[str, int]:
    return {"ProvisionedConcurrentExecutions": count}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
