"""The CloudWatch dashboard: it names only what is published, and it fits on its grid."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.monitoring.families import CACHE_LOOKUPS, DATABASE_COMMANDS, HTTP_REQUESTS, PROCESSING_LATENCY
from infra.package import PROJECT_ROOT, build_package
from infra.template import STAGES
from infra.template.dashboard import ALARMS_SHOWN_MAX, WIDTH
from infra.template.decided import decided
from tests.alarm_stories import REGION, resolved
from tests.cloudwatch import Recorded, is_documented
from tests.region_minutes import Region

SEARCH = re.compile(r"SEARCH\('\{AibaArena,([\w,]+)\} MetricName=\"(\w+)\" .*', '\w+', 60\)")
METRICS_MAX = 500
"""CloudWatch's limit for one widget."""
Json = dict[str, Any]


@pytest.fixture(scope="module")
def template() -> Json:
    return build_package("staging", PROJECT_ROOT / ".arena" / "build", lambda _: None).template


@pytest.fixture(scope="module")
def properties(template: Json) -> Json:
    return dict(template["Resources"]["RegionDashboard"]["Properties"])


@pytest.fixture(scope="module")
def body(properties: Json) -> Json:
    return dict(json.loads(resolved(properties["DashboardBody"])))


@pytest.fixture(scope="module")
def published() -> set[tuple[str, frozenset[str]]]:
    """Name and dimensions of everything schedule ``metrics`` prints for a busy region."""
    region = Region(waiting={f"aiba_replication_{name}|us-east-1": 1 for name in ("waiting", "set_aside")})
    region.waiting["aiba_replication_oldest_waiting_seconds|us-east-1"] = 1
    region.run()
    region.counted.count(HTTP_REQUESTS, route="GET /health", status="2xx")
    region.counted.count(CACHE_LOOKUPS, cache="modes", result="hit")
    region.counted.count(DATABASE_COMMANDS, command="find", outcome="ok")
    for operation in ("GET /health", "queue battles", "schedule metrics", "websocket connect"):
        region.counted.observe(PROCESSING_LATENCY, 0.03, operation=operation)
    region.clock.advance(60)
    region.tell()
    recorded = Recorded()
    recorded.embedded(region.run(), 0)
    assert {namespace for namespace, _, _ in recorded.samples} == {"AibaArena"}
    return {(name, frozenset(dict(dimensions))) for _, name, dimensions in recorded.samples}


def metrics(body: Json) -> Iterator[tuple[str, list[Any]]]:
    """Title and each row of every chart."""
    for widget in body["widgets"]:
        for row in widget["properties"].get("metrics", ()):
            yield widget["properties"]["title"], row


def test_every_series_is_one_that_somebody_publishes(body: Json, published: set[tuple[str, frozenset[str]]]) -> None:
    seen = set()
    for title, row in metrics(body):
        if isinstance(row[0], dict):
            continue
        (namespace, name, *pairs), options = row[:-1], row[-1]
        dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
        seen.add(namespace)
        if namespace == "AibaArena":
            assert (name, frozenset(dimensions)) in published, title
            assert dimensions["region"] == REGION
        else:
            assert is_documented(namespace, name, dimensions), title
        assert re.fullmatch(r"Sum|Average|Maximum|Minimum|p\d\d", options["stat"]), title
    assert seen == {"AibaArena", "AWS/Lambda", "AWS/ApiGateway", "AWS/SQS"}


def test_expressions_use_series_of_their_chart(body: Json, published: set[tuple[str, frozenset[str]]]) -> None:
    expressions = [(title, row[0]["expression"]) for title, row in metrics(body) if isinstance(row[0], dict)]
    assert len(expressions) == 2
    for title, expression in expressions:
        if searched := re.fullmatch(
            r"SEARCH\('\{AibaArena,([\w,]+)\} MetricName=\"(\w+)\" .*', '\w+', 60\)", expression
        ):
            assert (searched[2], frozenset(searched[1].split(","))) in published
            assert f'region="{REGION}"' in expression
            continue
        ids = {row[-1].get("id") for other, row in metrics(body) if other == title}
        assert set(re.findall(r"\b[a-z]\w*\b", expression)) <= ids


def test_all_alarms_are_shown(template: Json, properties: Json) -> None:
    alarms = [name for name, row in template["Resources"].items() if row["Type"] == "AWS::CloudWatch::Alarm"]
    unresolved = json.loads(properties["DashboardBody"]["Fn::Sub"])
    shown = [widget["properties"]["alarms"] for widget in unresolved["widgets"] if widget["type"] == "alarm"]
    assert [arn for some in shown for arn in some] == [f"${{{name}.Arn}}" for name in alarms]
    assert all(len(some) <= ALARMS_SHOWN_MAX for some in shown)


def test_references_lead_somewhere(template: Json, properties: Json) -> None:
    named = set(re.findall(r"\$\{([^}]+)\}", properties["DashboardBody"]["Fn::Sub"]))
    for name in named:
        assert name.startswith("AWS::") or name.partition(".")[0] in template["Resources"], name


def test_widgets_do_not_overlap_and_fit_on_the_grid(body: Json) -> None:
    taken = set()
    for widget in body["widgets"]:
        assert 0 <= widget["x"] <= widget["x"] + widget["width"] <= WIDTH
        assert len(widget["properties"].get("metrics", ())) <= METRICS_MAX
        for x in range(widget["x"], widget["x"] + widget["width"]):
            for y in range(widget["y"], widget["y"] + widget["height"]):
                assert (x, y) not in taken, widget["properties"]
                taken.add((x, y))


def test_each_region_has_its_own_and_only_where_it_is_wanted(template: Json, properties: Json) -> None:
    assert properties["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}
    wanted = {"Fn::And": [{"Fn::Equals": [{"Ref": "Dashboard"}, "on"]}, {"Condition": "AlarmsAreWanted"}]}
    assert template["Conditions"]["DashboardIsWanted"] == wanted
    assert template["Resources"]["RegionDashboard"]["Condition"] == "DashboardIsWanted"
    assert {stage.name for stage in STAGES.values() if stage.production_rules} == {"staging", "prod", "enterprise"}
    assert template["Parameters"]["Dashboard"]["Default"] == "on"


@pytest.mark.parametrize(
    ("values", "left"), [({"Dashboard": "off"}, {"AWS::CloudWatch::Alarm"}), ({"Alarms": "off"}, set())]
)
def test_without_it_nothing_is_left_of_it(template: Json, values: dict[str, str], left: set[str]) -> None:
    without = decided(template, {"Alarms": "on", "Dashboard": "on", **values})
    kinds = {row["Type"] for row in without["Resources"].values()}
    assert {kind for kind in kinds if "CloudWatch" in kind} == left
    assert "DashboardIsWanted" not in json.dumps(without)
    assert ("AlarmsAreWanted" in json.dumps(without)) == bool(left)
