"""A deployment has the cache warmed, says so, and never fails for it."""

import io
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from chalice.utils import to_cfn_resource_name

import app as composition
from chalicelib.cache.warming import WarmingReport
from chalicelib.entrypoints.scheduled import cache_warming
from infra.warming import FUNCTION, warm


@dataclass
class ScriptedCloud:
    """CloudFormation and Lambda in one, which answer as told."""

    payload: bytes = b"{}"
    function_error: str | None = None
    failure: Exception | None = None
    invoked: list[dict[str, Any]] = field(default_factory=list)

    def client(self, _service: str) -> "ScriptedCloud":
        return self

    def describe_stack_resource(self, *, StackName: str, LogicalResourceId: str) -> dict[str, Any]:  # noqa: N803
        assert (StackName, LogicalResourceId) == ("arena", FUNCTION)
        return {"StackResourceDetail": {"PhysicalResourceId": "arena-warming-1"}}

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.invoked.append(arguments)
        if self.failure is not None:
            raise self.failure
        error = {} if self.function_error is None else {"FunctionError": self.function_error}
        return {"Payload": io.BytesIO(self.payload), **error}


def said(cloud: ScriptedCloud) -> str:
    lines: list[str] = []
    warm(cloud, "arena", lines.append)
    (line,) = lines
    return line


def reported(report: WarmingReport) -> ScriptedCloud:
    return ScriptedCloud(json.dumps(asdict(report)).encode())


def test_it_runs_the_function_behind_its_alias_as_its_schedule_would() -> None:
    cloud = reported(WarmingReport(cache="ok", loaded=14))
    assert said(cloud) == "cache warmed: 14 values loaded, 0 were warm"
    (invoked,) = cloud.invoked
    assert (invoked["FunctionName"], invoked["Qualifier"]) == ("arena-warming-1", "live")
    # Chalice reads these of a schedule's event.
    event = cache_warming.event_class(json.loads(invoked["Payload"]), None)
    assert event.detail_type == "Scheduled Event"


def test_the_function_is_found_by_the_name_chalice_gives_it() -> None:
    registered = [one.name for one in composition.app.event_sources if one.handler_string.endswith(".cache_warming")]
    assert list(map(to_cfn_resource_name, registered)) == [FUNCTION]


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (WarmingReport(cache="absent"), "cache not warmed: Redis is absent"),
        (WarmingReport(cache="away", left=("modes",)), "warning: cache not warmed: Redis is away"),
        (
            WarmingReport(cache="ok", loaded=2, kept=3, failed=("page aiba",), left=("guilds 50",)),
            "warning: cache warmed: 2 values loaded, 3 were warm; not warmed: page aiba, guilds 50",
        ),
    ],
)
def test_what_it_says(report: WarmingReport, line: str) -> None:
    assert said(reported(report)) == line


@pytest.mark.parametrize(
    ("cloud", "words"),
    [
        (ScriptedCloud(b'{"skipped": "held by another run"}'), "cache not warmed now: held by another run"),
        (ScriptedCloud(b'{"errorMessage": "no"}', "Unhandled"), "warning: cache not warmed: the function failed"),
        (ScriptedCloud(b"<html>"), "warning: cache not warmed: the function's answer is no JSON"),
        (ScriptedCloud(b"null"), "warning: cache not warmed: the function failed"),
        (
            ScriptedCloud(failure=EndpointConnectionError(endpoint_url="http://127.0.0.1:1")),
            "warning: cache not warmed: Could not connect",
        ),
        (
            ScriptedCloud(failure=ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")),
            "warning: cache not warmed: the credentials may not do this",
        ),
    ],
)
def test_nothing_that_goes_wrong_stops_a_deployment(cloud: ScriptedCloud, words: str) -> None:
    assert said(cloud).startswith(words)
