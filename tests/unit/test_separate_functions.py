"""Groups of routes served by functions of their own: what may be asked for, and what the template makes of it."""

import copy
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import app as arena
from chalicelib.entrypoints import operating, scaling
from infra.package import PROJECT_ROOT, PackageError, build_package
from infra.release import with_code_location
from infra.template import STAGES, build_template
from infra.template import operating as queue_rights
from infra.template import scaling as scaling_rights
from infra.template.groups import Group, GroupsError, assigned, read_groups
from tests.sample_project import separate, write_arena_project, write_sample_project
from tests.templates import errors_anywhere, of_type, statements_of
from tests.unit.test_template import GOLDEN, REWRITE, sample
from tests.unit.test_template_transform import PYTHON, TRANSFORM

Json = dict[str, Any]

BATTLES = {"paths": ["/api/battle"], "provisioned_concurrency": 2, "lambda_memory_size": 1024}
OPERATORS = {"paths": ["/api/admin", "/api/ops", "/console"], "provisioned_concurrency": 0}
ROUTES = {path: sorted(methods) for path, methods in arena.app.routes.items()}
BEGINNINGS = sorted({"/".join(path.split("/")[:3]) for path in ROUTES if path.startswith("/api/")})
DOCUMENT = json.loads(arena.documentation.text)


def groups_of(declared: Any) -> tuple[Group, ...]:
    return read_groups({"stages": {"dev": {"separate_functions": declared}}}, "dev")


def chalice_template() -> Json:
    """As Chalice writes it, with the application's routes."""
    template = sample()
    paths = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    one = paths["/health"]["get"]
    paths.clear()
    paths.update({path: {method.lower(): copy.deepcopy(one) for method in methods} for path, methods in ROUTES.items()})
    return template


def server(template: Json, path: str, method: str) -> str:
    """The function whose alias answers a route."""
    route = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"][path][method.lower()]
    uri = route["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    (function,) = re.findall(r"functions/\$\{(\w+)\.Arn\}:live/invocations$", uri)
    return str(function)


@pytest.mark.parametrize("config", [{}, {"stages": {}}, {"stages": {"dev": {"lambda_timeout": 28}}}])
def test_by_default_nothing_is_separate(config: Json) -> None:
    assert read_groups(config, "dev") == ()
    assert build_template(sample(), STAGES["dev"], ()) == build_template(sample(), STAGES["dev"])


def test_what_is_asked_for() -> None:
    battles, operators = groups_of({"battles": BATTLES, "for_operators": OPERATORS})
    assert battles == Group(name="battles", paths=("/api/battle",), provisioned_concurrency=2, memory_mb=1024)
    assert (operators.provisioned_concurrency, operators.memory_mb) == (0, None)
    assert (battles.function_id, operators.function_id) == ("BattlesApi", "ForOperatorsApi")


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ([], "separate_functions: []; give an object"),
        ({"Battles": BATTLES}, "separate_functions.Battles: 'Battles'; call the group by a-z"),
        ({"b" * 25: BATTLES}, "in at most 24 characters"),
        ({"battles": 2}, "separate_functions.battles: 2; give an object with paths"),
        ({"battles": {**BATTLES, "path": "/x"}}, 'separate_functions.battles.path: "/x"; there is no such key, only'),
        ({"battles": {**BATTLES, "paths": []}}, "separate_functions.battles.paths: []; list prefixes"),
        ({"battles": {"provisioned_concurrency": 1}}, "separate_functions.battles.paths: null; list prefixes"),
        ({"battles": {**BATTLES, "paths": ["/"]}}, 'battles.paths: "/"; begin with / and a name'),
        ({"battles": {**BATTLES, "paths": ["/api/battle/"]}}, "end without /"),
        ({"battles": {**BATTLES, "paths": ["/{proxy+}"]}}, "begin with / and a name"),
        ({"battles": {**BATTLES, "paths": [7]}}, "battles.paths: 7; begin with /"),
        ({"battles": {"paths": ["/x"]}}, "battles.provisioned_concurrency: null; say how many"),
        ({"battles": {**BATTLES, "provisioned_concurrency": True}}, "provisioned_concurrency: true; say how many"),
        ({"battles": {**BATTLES, "provisioned_concurrency": -1}}, "provisioned_concurrency: -1; say how many"),
        ({"battles": {**BATTLES, "lambda_memory_size": 64}}, "lambda_memory_size: 64; give 128 to 10240 MB"),
    ],
)
def test_what_cannot_be_meant(declared: Any, words: str) -> None:
    with pytest.raises(GroupsError) as caught:
        groups_of(declared)
    assert words in str(caught.value)


def test_everything_wrong_is_told_at_once() -> None:
    wrong = {"one": {"paths": [], "provisioned_concurrency": -1}, "two": {"paths": ["x"], "provisioned_concurrency": 1}}
    with pytest.raises(GroupsError) as caught:
        groups_of(wrong)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("declared", "lines"),
    [
        (
            {"battles": {**BATTLES, "paths": ["/api/batle"]}},
            ["separate_functions.battles.paths: '/api/batle' is the beginning of no route; mend it or take it out."],
        ),
        (
            {"battles": BATTLES, "runs": {**BATTLES, "paths": ["/api/battle/run"]}},
            [
                "separate_functions.runs.paths: '/api/battle/run' takes /api/battle/run, which is in group 'battles' "
                "already; leave it to one of them"
            ],
        ),
        # A prefix is of whole segments.
        ({"battles": {**BATTLES, "paths": ["/api/batt"]}}, ["separate_functions.battles.paths: '/api/batt' is the"]),
    ],
)
def test_what_the_routes_contradict(declared: Any, lines: list[str]) -> None:
    with pytest.raises(GroupsError) as caught:
        build_template(chalice_template(), STAGES["dev"], groups_of(declared))
    found = str(caught.value).splitlines()
    assert len(found) == len(lines)
    assert all(told.startswith(line) for told, line in zip(found, lines, strict=True)), found


def test_packaging_names_the_file_and_the_stage(tmp_path: Path) -> None:
    project = write_sample_project(tmp_path / "project")
    separate(project, "dev", {"probes": {"paths": ["/healthy"], "provisioned_concurrency": 1}})
    with pytest.raises(
        PackageError, match=r"\.chalice/config\.json, stage dev:\n.*'/healthy'.*Routes begin with /health"
    ):
        build_package("dev", tmp_path / "build", lambda _: None, project)


def test_golden() -> None:
    path = GOLDEN / "built-dev-separate.json"
    groups = groups_of({"probes": {"paths": ["/health"], "provisioned_concurrency": 2, "lambda_memory_size": 512}})
    template = build_template(sample(), STAGES["dev"], groups)
    if os.environ.get(REWRITE):
        path.write_text(json.dumps(template, indent=1) + "\n")
    assert template == json.loads(path.read_text()), f"if intended: set {REWRITE}=1 and read the difference"


@settings(max_examples=25, deadline=None, print_blob=True)
@given(
    st.dictionaries(
        st.sampled_from([*BEGINNINGS, "/console", "/docs", "/health"]), st.sampled_from(["one", "two", "three_four"])
    ),
    st.integers(min_value=0, max_value=3),
)
def test_each_route_is_served_by_exactly_one_functions_alias(group_of: dict[str, str], warm: int) -> None:
    declared = {
        name: {"paths": [path for path in group_of if group_of[path] == name], "provisioned_concurrency": warm}
        for name in set(group_of.values())
    }
    groups = groups_of(declared)
    template = build_template(chalice_template(), STAGES["dev"], groups)
    resources = template["Resources"]
    expected = {path: group.function_id for path, group in assigned(groups, list(ROUTES)).items()}
    called = set()
    for path, methods in ROUTES.items():
        for method in methods:
            function = server(template, path, method)
            assert function == expected.get(path, "APIHandler"), (method, path)
            called.add(function)
    assert called == {"APIHandler", *(group.function_id for group in groups)}
    permitted = {
        row["Properties"]["FunctionName"]["Fn::Sub"] for row in of_type(template, "AWS::Lambda::Permission").values()
    }
    assert permitted == {f"${{{function}}}:live" for function in called}
    assert set(resources["RestAPI"]["DependsOn"]) == {f"{function}Aliaslive" for function in called}
    for function in called - {"APIHandler"}:
        properties, own = resources[function]["Properties"], resources["APIHandler"]["Properties"]
        assert (properties["Handler"], properties["CodeUri"]) == (own["Handler"], own["CodeUri"])
        assert properties["AutoPublishAlias"] == "live"
        kept = properties.get("ProvisionedConcurrencyConfig", {"ProvisionedConcurrentExecutions": 0})
        assert kept == {"ProvisionedConcurrentExecutions": warm}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """The application, in production, with two groups."""
    project = write_arena_project(
        tmp_path_factory.mktemp("separate") / "project", "prod", {"battles": BATTLES, "operators": OPERATORS}
    )
    return build_package("prod", PROJECT_ROOT / ".arena" / "build", lambda _: None, project).template


def test_each_route_of_the_api_document_has_its_function(built: Json) -> None:
    found = {
        path: {server(built, path, method) for method in (*methods, "options")}
        for path, methods in DOCUMENT["paths"].items()
        if path in ROUTES
    }
    assert len(found) > 40
    for path, functions in found.items():
        first = path.split("/")[1:3]
        group = "BattlesApi" if first == ["api", "battle"] else "APIHandler"
        group = "OperatorsApi" if first in (["api", "admin"], ["api", "ops"]) or path.startswith("/console") else group
        assert functions == {group}, path
    assert server(built, "/api/battles", "get") == "APIHandler"


def test_the_documented_groups_are_whole_blueprints() -> None:
    text = (PROJECT_ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r'```json\n("separate_functions": .*?)```', text, re.DOTALL)
    group_of = assigned(groups_of(json.loads(f"{{{shown}}}")["separate_functions"]), list(ROUTES))
    cut = {
        room.__name__: {getattr(group_of.get(route.path), "name", None) for route in room.routes.declared}
        for room in arena.rooms
    }
    assert all(len(names) == 1 for names in cut.values()), cut
    assert {name for names in cut.values() for name in names} == {"battles", "boards", "operators", None}


def rights(template: Json, function: str) -> set[tuple[str, str]]:
    """Actions on queues, and those of scaling, that a function's role has."""
    role = template["Resources"][template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]]
    found = set()
    for row in statements_of(role):
        for action in row["Action"] if isinstance(row["Action"], list) else [row["Action"]]:
            resources = row["Resource"] if isinstance(row["Resource"], list) else [row["Resource"]]
            found |= {(action, one["Fn::GetAtt"][0] if "Fn::GetAtt" in one else "") for one in resources}
    return {(action, of) for action, of in found if action.split(":")[0] in ("sqs", "lambda", "cloudwatch")}


def test_a_group_may_do_what_its_routes_do(built: Json) -> None:
    announce = {("sqs:SendMessage", "LiveQueue"), ("sqs:SendMessage", "OutboxQueue")}
    assert rights(built, "BattlesApi") == {*announce, ("sqs:SendMessage", "BattleQueue")}
    assert rights(built, "OperatorsApi") == rights(built, "APIHandler") > rights(built, "BattlesApi")
    roles = [row["Properties"]["Role"]["Fn::GetAtt"][0] for row in of_type(built, "AWS::Serverless::Function").values()]
    assert len(set(roles)) == len(roles)


def test_the_routes_that_need_rights_are_where_the_template_takes_them_to_be() -> None:
    on_queues = {route.path for route in operating.routes.declared if "queues" in route.path or "letters" in route.path}
    assert all(path.startswith(queue_rights.ROUTES) for path in on_queues)
    assert len(on_queues) == 3
    assert all(route.path.startswith(scaling_rights.ROUTES) for route in scaling.routes.declared)


def test_only_the_apis_own_function_is_scaled_and_the_others_are_reckoned_with(built: Json) -> None:
    resources = built["Resources"]
    for function in ("Scaling", "BattlesApi", "OperatorsApi"):
        variables = resources[function]["Properties"]["Environment"]["Variables"]
        assert variables["ARENA_API_FUNCTION"] == {"Ref": "APIHandler"}
        # Two kept warm, and one of the function that keeps none.
        assert variables["ARENA_SEPARATE_ENVIRONMENTS"] == "3"
    own = resources["APIHandler"]["Properties"]
    assert own["Environment"]["Variables"]["ARENA_SEPARATE_ENVIRONMENTS"] == "3"
    assert own["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": {"Ref": "ProvisionedConcurrency"}}
    assert resources["ApiScalableTarget"]["Properties"]["ResourceId"] == {"Fn::Sub": "function:${APIHandler}:live"}


def test_it_is_logged_alarmed_and_drawn_as_the_api_is(built: Json) -> None:
    resources = built["Resources"]
    kinds = ("Errors", "Throttles", "Duration", "Spillover", "Utilization")
    for kind in kinds:
        alarm, own = resources[f"BattlesApi{kind}Alarm"], resources[f"APIHandler{kind}Alarm"]
        said, says = (row["Properties"]["AlarmDescription"]["Fn::Sub"] for row in (own, alarm))
        assert says.split(":")[0] == said.split(":")[0]
        assert "BattlesApi" in json.dumps(alarm["Properties"])
    # Of none kept warm nothing can spill, or be used up.
    assert [kind for kind in kinds if f"OperatorsApi{kind}Alarm" in resources] == list(kinds[:3])
    assert resources["OperatorsApi"]["Properties"]["LoggingConfig"]["LogGroup"] == {"Ref": "OperatorsApiLogs"}
    assert resources["BattlesApi"]["Properties"]["MemorySize"] == 1024
    assert "Separate functions" in resources["RegionDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]


def test_cfn_lint_finds_nothing() -> None:
    """In the small one: the large one has the same kinds of resources, and takes a quarter of a minute."""
    assert errors_anywhere(json.loads((GOLDEN / "built-dev-separate.json").read_text())) == []


def test_the_transform_keeps_each_alias_warm(built: Json, tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(with_code_location(built, "bucket", "key")))
    values = {"MongoDatabase": "aiba_test", "CorsOrigin": "https://a.example", "ReleaseHash": "a" * 64}
    done = subprocess.run(
        [PYTHON, "-P", TRANSFORM, path, json.dumps(values)], check=True, capture_output=True, cwd=tmp_path
    )
    resources = json.loads(done.stdout)["Resources"]
    kept = {
        name: row["Properties"]["ProvisionedConcurrencyConfig"]["ProvisionedConcurrentExecutions"]
        for name, row in resources.items()
        if "ProvisionedConcurrencyConfig" in row.get("Properties", {})
    }
    assert kept == {"APIHandlerAliaslive": {"Ref": "ProvisionedConcurrency"}, "BattlesApiAliaslive": 2}
    assert set(resources["RestAPI"]["DependsOn"]) == {
        f"{one}Aliaslive" for one in ("APIHandler", "BattlesApi", "OperatorsApi")
    }
    assert len(resources) < 500, "CloudFormation's limit"
    print(f"{len(resources)} resources after the transform")
