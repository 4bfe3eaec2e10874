"""What a region's stack consists of, read off the template that is deployed: triggers, functions, queues."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from infra.template.document import FUNCTION_TYPE, REST_API_TYPE, resources_of_type

QUEUE_TYPE: Final = "AWS::SQS::Queue"
_ROUTE_TYPE: Final = "AWS::ApiGatewayV2::Route"
_OTHER_REGIONS: Final = "sqs:*:"
"""In the ARN of what a function may reach in every region."""
_ABILITIES: Final = {
    "execute-api:ManageConnections": "WebSocket connections",
    "lambda:PutProvisionedConcurrencyConfig": "warm environments",
    "s3:PutObject": "backup bucket",
    "secretsmanager:UpdateSecretVersionStage": "secret",
}
"""What a permission lets a function reach besides queues, in words."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, and where what can't be handled goes."""

    name: str
    dead_letters: str
    attempts: int
    """Deliveries before SQS itself gives a message up."""


@dataclass(slots=True)
class Function:
    """A function, what invokes it and what it may reach."""

    name: str
    schedule: str = ""
    queue: str = ""
    """Whose messages it is handed."""
    sends: list[str] = field(default_factory=list)
    others: bool = False
    """Whether it sends to the other regions' queues."""
    reaches: list[str] = field(default_factory=list)
    provisioned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A region's stack."""

    functions: tuple[Function, ...]
    queues: tuple[Queue, ...]
    routes: Mapping[str, Sequence[str]]
    """Of the REST API, by what the first segments of a path say."""
    websocket: Sequence[str]
    """Functions that WebSocket connections invoke."""


def deployed(template: Mapping[str, Any]) -> Deployed:
    """The stack of a completed template."""
    document = dict(template)
    functions = {name: _function(document, name, found) for name, found in resources_of_type(document, FUNCTION_TYPE)}
    queues = [
        Queue(name, _target(redrive["deadLetterTargetArn"]), redrive["maxReceiveCount"])
        for name, found in resources_of_type(document, QUEUE_TYPE)
        if (redrive := found["Properties"].get("RedrivePolicy"))
    ]
    routes: dict[str, list[str]] = defaultdict(list)
    for _, api in resources_of_type(document, REST_API_TYPE):
        for path in api["Properties"]["DefinitionBody"]["paths"]:
            routes[_group(path)].append(path)
    sockets = sorted(name for name in functions if name.startswith("Websocket"))
    if bool(sockets) != any(resources_of_type(document, _ROUTE_TYPE)):
        raise ValueError("the functions of WebSocket connections are not those named Websocket…")
    return Deployed(
        functions=tuple(functions.values()),
        queues=tuple(sorted(queues, key=lambda queue: queue.name)),
        routes=dict(sorted(routes.items())),
        websocket=tuple(sockets),
    )


def _function(template: dict[str, Any], name: str, resource: Mapping[str, Any]) -> Function:
    properties = resource["Properties"]
    function = Function(name, provisioned="ProvisionedConcurrencyConfig" in properties)
    for event in properties.get("Events", {}).values():
        if event["Type"] == "Schedule":
            function.schedule = event["Properties"]["Schedule"]
        elif event["Type"] == "SQS":
            function.queue = _target(event["Properties"]["Queue"])
    for statement in _statements(template, properties["Role"]["Fn::GetAtt"][0]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        function.reaches += [words for action, words in _ABILITIES.items() if action in actions]
        if "sqs:SendMessage" in actions:
            named = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            function.others |= any(_OTHER_REGIONS in json.dumps(one) for one in named)
            function.sends += [one["Fn::GetAtt"][0] for one in named if "Fn::GetAtt" in one]
    return function


def _statements(template: dict[str, Any], role: str) -> Iterator[Mapping[str, Any]]:
    """Every statement of a role, those that depend on a condition too."""
    attached = [
        row["Properties"]
        for row in template["Resources"].values()
        if row["Type"] == "AWS::IAM::Policy" and {"Ref": role} in row["Properties"]["Roles"]
    ]
    for policy in (*template["Resources"][role]["Properties"].get("Policies", []), *attached):
        yield from (policy["Fn::If"][1] if "Fn::If" in policy else policy)["PolicyDocument"]["Statement"]


def _target(arn: Mapping[str, Any]) -> str:
    return str(arn["Fn::GetAtt"][0])


def _group(path: str) -> str:
    """What a path is listed under: the segment after /api, or the first one."""
    parts = path.strip("/").split("/")
    return f"/api/{parts[1]}" if parts[0] == "api" and len(parts) > 1 else f"/{parts[0]}"


def spaced(name: str) -> str:
    """A logical id as words: ``BattleDeadLetterQueue`` is ``battle dead letter queue``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower().replace("api ", "API ")


def told(schedule: str) -> str:
    """A schedule in words: ``every minute``, ``hourly at :07``."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", schedule)
    if rate:
        return f"every {rate[2]}" if rate[1] == "1" else f"every {rate[1]} {rate[2]}s"
    hourly = re.fullmatch(r"cron\((\d+) \* \* \* \? \*\)", schedule)
    return f"hourly at :{int(hourly[1]):02}" if hourly else schedule
