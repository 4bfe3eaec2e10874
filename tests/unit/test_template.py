"""The template builder: golden files over a fixed sample, invariants over the sample and the real application."""

import copy
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.backup_settings import BACKUP_KEYS
from chalicelib.entrypoints.live import RESERVE_MILLISECONDS
from chalicelib.queue_settings import QUEUE_KEYS
from chalicelib.replication_settings import REPLICATION_KEYS
from chalicelib.scaling_settings import SCALING_KEYS
from infra.package import PROJECT_ROOT, build_package
from infra.template import STAGES, build_template
from infra.template.document import TemplateError
from infra.template.gateway_responses import EXTENSION
from infra.template.websocket import without_websocket_api
from tests.sample_project import write_sample_project
from tests.templates import errors_anywhere, of_type, refers, statements_of

GOLDEN = Path(__file__).parent / "golden"
CHALICE_TEMPLATE = GOLDEN / "chalice-sample.json"
REWRITE = "ARENA_REWRITE_GOLDEN"
"""Set it to write the golden files anew, then read the difference before committing it."""

READING_ACTIONS_WITHOUT_RESOURCE = ["lambda:GetAccountSettings", "cloudwatch:GetMetricData"]

Json = dict[str, Any]


def sample() -> Json:
    template: Json = json.loads(CHALICE_TEMPLATE.read_text())
    return template


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module", params=["sample", "arena"])
def built(request: pytest.FixtureRequest, build_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """The sample with a websocket, and the application itself, through Chalice as it is installed now."""
    if request.param == "arena":
        return build_package("staging", PROJECT_ROOT / ".arena" / "build", lambda _: None).template
    project = write_sample_project(tmp_path_factory.mktemp("project"), websocket=True)
    return build_package("staging", build_dir, lambda _: None, project).template


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


@pytest.mark.parametrize("stage", ["dev", "enterprise"])
def test_golden(stage: str) -> None:
    path = GOLDEN / f"built-{stage}.json"
    template = build_template(sample(), STAGES[stage])
    if os.environ.get(REWRITE):
        path.write_text(json.dumps(template, indent=1) + "\n")
    assert template == json.loads(path.read_text()), f"if intended: set {REWRITE}=1 and read the difference"


def test_the_input_is_left_alone() -> None:
    template = sample()
    before = copy.deepcopy(template)
    build_template(template, STAGES["dev"])
    assert template == before


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda t: t.pop("Transform"), "not a SAM template"),
        (lambda t: t.update(Parameters={}), "has parameters already"),
        (lambda t: t.update(Resources={}), "no function"),
        (lambda t: t["Resources"].update(APIHandlerLogs={"Type": "X"}), "APIHandlerLogs"),
        (lambda t: t["Resources"]["Battles"]["Properties"].update(Role="arn:aws:iam::1:role/r"), "no role"),
        (
            lambda t: t["Resources"]["APIHandlerInvokePermission"]["Properties"].update(FunctionName="x"),
            "names no function",
        ),
    ],
)
def test_a_template_of_another_shape_is_refused(damage: Any, words: str) -> None:
    template = sample()
    damage(template)
    with pytest.raises(TemplateError, match=words):
        build_template(template, STAGES["dev"])


def test_every_integration_calls_the_alias(built: Json) -> None:
    uris = [text for text in strings(built) if text.endswith("/invocations")]
    assert uris
    assert all(uri.endswith(":live/invocations") for uri in uris)
    assert not any(":live:live" in uri for uri in uris)


def test_every_permission_is_on_the_alias_and_waits_for_it(built: Json) -> None:
    permissions = of_type(built, "AWS::Lambda::Permission")
    assert permissions
    for permission in permissions.values():
        match = re.fullmatch(r"\$\{(\w+)\}:live", permission["Properties"]["FunctionName"]["Fn::Sub"])
        assert match
        assert f"{match[1]}Aliaslive" in permission["DependsOn"]


def test_every_function_is_published_and_only_the_api_is_kept_warm(built: Json) -> None:
    for name, function in of_type(built, "AWS::Serverless::Function").items():
        properties = function["Properties"]
        assert properties["AutoPublishAlias"] == "live"
        assert properties["AutoPublishCodeSha256"] == {"Ref": "ReleaseHash"}
        assert ("ProvisionedConcurrencyConfig" in properties) == (name == "APIHandler")


def test_every_function_has_its_settings_and_an_expiring_log(built: Json) -> None:
    for name, function in of_type(built, "AWS::Serverless::Function").items():
        variables = dict(function["Properties"]["Environment"]["Variables"])
        # Where a function sends to and what it scales is its own affair: see the tests of those parts.
        for own in {"ARENA_WEBSOCKET_ENDPOINT", *QUEUE_KEYS, *REPLICATION_KEYS, *SCALING_KEYS, *BACKUP_KEYS} - {
            "ARENA_REGIONS"
        }:
            variables.pop(own, None)
        assert variables == {
            "APP_ENV": "prod",
            "ARENA_TIER": "staging",
            "LOG_LEVEL": "INFO",
            "POWERTOOLS_SERVICE_NAME": "aiba-arena",
            "ARENA_SECRET_ID": {"Ref": "SecretId"},
            "MONGO_DATABASE": {"Ref": "MongoDatabase"},
            "CORS_ORIGIN": {"Ref": "CorsOrigin"},
            "PUBLIC_BASE_URL": {"Ref": "PublicBaseUrl"},
            "TELEGRAM_INITDATA_MAX_AGE_SECONDS": {"Ref": "InitDataMaxAgeSeconds"},
            "ARENA_REDIS_MODE": {"Ref": "RedisMode"},
            "ARENA_TRUSTED_PROXIES": {"Ref": "TrustedProxies"},
            "RATE_LIMIT_PER_MINUTE": {"Ref": "RequestsPerMinute"},
            "ARENA_REGIONS": {"Ref": "Regions"},
            "POWERTOOLS_LOG_LEVEL": {"Ref": "LogLevel"},
            "POWERTOOLS_LOGGER_SAMPLE_RATE": {"Ref": "LogSampleRate"},
        }
        group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        assert group == f"{name}Logs"
        assert built["Resources"][group]["Properties"]["RetentionInDays"] == 14


def test_every_queue_reports_partial_batches_and_may_be_read(built: Json) -> None:
    for function in of_type(built, "AWS::Serverless::Function").values():
        for event in function["Properties"].get("Events", {}).values():
            if event["Type"] != "SQS":
                continue
            assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
            role = built["Resources"][function["Properties"]["Role"]["Fn::GetAtt"][0]]
            readable = [row["Resource"] for row in statements_of(role) if "sqs:ReceiveMessage" in row["Action"]]
            assert readable == [event["Properties"]["Queue"]]


def test_no_permission_of_any_role_is_for_everything(built: Json) -> None:
    for role in of_type(built, "AWS::IAM::Role").values():
        for row in statements_of(role):
            # AWS knows no resources for the first, and they read only; the second are taken from the code again.
            everything = row["Action"] == READING_ACTIONS_WITHOUT_RESOURCE or row.get("Sid") in ("Lambda", "NotTheCode")
            assert row["Resource"] != "*" or everything
            assert "*" not in json.dumps(row["Action"])


def test_what_the_gateway_answers_wears_the_envelope(built: Json) -> None:
    definition = built["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    answers = definition[EXTENSION]
    statuses = {kind: answer.get("statusCode") for kind, answer in answers.items()}
    assert statuses["MISSING_AUTHENTICATION_TOKEN"] == "404"
    assert (statuses["THROTTLED"], statuses["REQUEST_TOO_LARGE"]) == ("429", "413")
    assert (statuses["INTEGRATION_FAILURE"], statuses["INTEGRATION_TIMEOUT"]) == ("502", "504")
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(statuses)
    for answer in answers.values():
        body = json.loads(answer["responseTemplates"]["application/json"])
        assert set(body) == {"ok", "error", "requestId"}
        assert set(body["error"]) == {"code", "message"}
        assert (body["ok"], body["requestId"]) == (False, "$context.requestId")
        assert answer["responseParameters"]["gatewayresponse.header.X-Request-Id"] == "context.requestId"
        assert "gatewayresponse.header.Access-Control-Allow-Origin" in answer["responseParameters"]


def test_the_stage_is_throttled_by_its_tier(built: Json) -> None:
    """All of it together: a throttle of one route is one for all callers, and anybody could use up a health check's."""
    (setting,) = built["Resources"]["RestAPI"]["Properties"]["MethodSettings"]
    assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == (200, 500)
    assert (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*")


def test_unknown_paths_reach_the_application(built: Json) -> None:
    paths = built["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    catch_all = next(methods for path, methods in paths.items() if path.endswith("+}"))
    assert {"get", "post"} <= set(catch_all)


def test_outputs(built: Json) -> None:
    assert {"ApiUrl", "ApiFunctionName", "ApiFunctionAlias", "RestApiId"} <= set(built["Outputs"])


@pytest.mark.parametrize(("stage", "needed"), [("dev", {"MongoDatabase"}), ("prod", {"MongoDatabase", "CorsOrigin"})])
def test_parameters_without_a_default(stage: str, needed: set[str]) -> None:
    declared = build_template(sample(), STAGES[stage])["Parameters"]
    assert {name for name, row in declared.items() if "Default" not in row} == needed | {"ReleaseHash"}
    assert declared["ProvisionedConcurrency"]["Default"] == STAGES[stage].tier.min_instances


def test_cfn_lint_finds_nothing(built: Json) -> None:
    assert errors_anywhere(built) == []


def test_what_some_regions_do_not_have_is_noticed() -> None:
    """Though only one region of those that are alike is asked about."""
    alien = {"Alien": {"Type": "AWS::Bedrock::Agent", "Properties": {"AgentName": "alien"}}}
    found = errors_anywhere({"Resources": {**alien, "Queue": {"Type": "AWS::SQS::Queue"}}})
    assert found
    assert all(line.startswith("E3006 Resource type 'AWS::Bedrock::Agent' does not exist in") for line in found), found


@pytest.fixture(scope="module")
def with_websocket() -> Json:
    return build_package("staging", PROJECT_ROOT / ".arena" / "build", lambda _: None).template


def test_the_websocket_api_exists_only_where_it_is_wanted(with_websocket: Json) -> None:
    assert with_websocket["Parameters"]["WebSocketApi"]["Default"] == "managed"
    resources = with_websocket["Resources"]
    bound = {name for name, row in resources.items() if '"Ref": "WebsocketAPI"' in json.dumps(row)}
    bound |= {name for name, row in resources.items() if row["Type"].startswith("AWS::ApiGatewayV2::")}
    bound |= {name for name, row in resources.items() if "${WebsocketAPI}" in json.dumps(row)} - {"WebsocketConnect"}
    assert len(bound) > 10
    # A domain of its own it has only where it exists: that condition holds the other.
    assert {resources[name].get("Condition") for name in bound} == {"WebSocketApiIsManaged", "WebSocketDomainIsGiven"}
    assert {"Condition": "WebSocketApiIsManaged"} in with_websocket["Conditions"]["WebSocketDomainIsGiven"]["Fn::And"]
    for name in ("WebsocketConnect", "WebsocketMessage", "WebsocketDisconnect"):
        assert "Condition" not in resources[name]
        assert with_websocket["Outputs"][f"{name}HandlerName"]["Value"] == {"Ref": name}
        assert f"{name}Aliaslive" in resources[f"{name}APIIntegration"]["DependsOn"]
    assert with_websocket["Outputs"]["WebSocketUrl"]["Condition"] == "WebSocketApiIsManaged"


def test_without_the_websocket_api_nothing_is_left_of_it_but_the_functions(with_websocket: Json) -> None:
    without = without_websocket_api(with_websocket)
    text = json.dumps(without)
    assert "ApiGatewayV2" not in text
    assert "WebSocketApiIsManaged" not in text
    assert "WebsocketAPI" not in text
    functions = of_type(without, "AWS::Serverless::Function")
    assert functions.keys() == of_type(with_websocket, "AWS::Serverless::Function").keys()
    endpoint = functions["WebsocketConnect"]["Properties"]["Environment"]["Variables"]["ARENA_WEBSOCKET_ENDPOINT"]
    assert endpoint == {"Ref": "WebSocketEndpoint"}
    assert "WebSocketUrl" not in without["Outputs"]
    for section in ("Resources", "Conditions"):
        assert not refers(without, with_websocket[section].keys() - without[section].keys())


def test_what_the_message_function_returns_reaches_the_client(with_websocket: Json) -> None:
    resources = with_websocket["Resources"]
    assert resources["WebsocketMessageRoute"]["Properties"]["RouteResponseSelectionExpression"] == "$default"
    (response,) = of_type(with_websocket, "AWS::ApiGatewayV2::RouteResponse").values()
    assert response["Properties"]["RouteId"] == {"Ref": "WebsocketMessageRoute"}
    assert response["Properties"]["RouteResponseKey"] == "$default"


def test_the_websocket_stage_is_throttled_and_follows_changes(with_websocket: Json) -> None:
    (stage,) = of_type(with_websocket, "AWS::ApiGatewayV2::Stage").values()
    properties = stage["Properties"]
    assert properties["AutoDeploy"] is True
    assert properties["DefaultRouteSettings"] == {"ThrottlingRateLimit": 200, "ThrottlingBurstLimit": 500}


def test_the_pushing_function_has_time_for_what_it_begins(with_websocket: Json) -> None:
    timeout_seconds = with_websocket["Resources"]["LivePush"]["Properties"]["Timeout"]
    assert timeout_seconds * 1000 >= RESERVE_MILLISECONDS + 5_000


def test_connections_are_reached_by_those_who_need_to_and_no_other_way(with_websocket: Json) -> None:
    policies = {
        name: row["Properties"]["PolicyDocument"]["Statement"]
        for name, row in of_type(with_websocket, "AWS::IAM::Policy").items()
        if "execute-api" in json.dumps(row)
    }
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${WebsocketAPI}/api/"
    allowed = {name: row["Resource"]["Fn::Sub"].removeprefix(arn) for name, (row,) in policies.items()}
    assert allowed == {
        "WebsocketConnectConnections": "DELETE/@connections/*",
        "LivePushConnections": "POST/@connections/*",
    }
    endpoint = with_websocket["Resources"]["WebsocketConnect"]["Properties"]["Environment"]["Variables"]
    assert endpoint["ARENA_WEBSOCKET_ENDPOINT"]["Fn::If"][0] == "WebSocketApiIsManaged"
