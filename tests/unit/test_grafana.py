"""The Grafana dashboard: of its schema, asking only for what is exposed, and readable."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from infra.grafana.layout import FILE, WIDTH, dashboard, text
from tests.prometheus import FOLDER, check_names
from tests.schema_types import faults

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "localstack" / "docker-compose.monitoring.yml"
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
Json = dict[str, Any]

register_default_plugins()


@pytest.fixture(scope="module")
def shown() -> Json:
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def panels(shown: Json) -> Iterator[Json]:
    yield from (panel for panel in shown["panels"] if panel["type"] != "row")


def timeseries() -> Json:
    """One of the dashboard's, to be damaged: panels of a kind share their options."""
    return copy.deepcopy(next(one for one in panels(dashboard()) if one["type"] == "timeseries"))


def told(value: Any) -> Any:
    """As JSON values."""
    return json.loads(json.dumps(value, cls=JSONEncoder))


def test_the_file_is_what_the_description_says() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run python -m infra.grafana"


def lost(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """What of ``before`` is not in ``after``; what was added by default does not matter."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name not in after:
                yield f"{where}.{name}"
            else:
                yield from lost(value, after[name], f"{where}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{where}[{number}]")
    elif before != after:
        yield f"{where}: {before!r} became {after!r}"


def test_grafana_s_schema_knows_every_field(shown: Json) -> None:
    """Its classes drop what the schema does not have."""
    assert list(lost(shown, told(Dashboard.from_json(shown)))) == []


def test_every_value_is_of_its_type(shown: Json) -> None:
    assert list(faults(Dashboard.from_json(shown), Dashboard)) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda panel: panel.update(tilte="x"), ".tilte"),
        (lambda panel: panel["targets"][0].update(exrp="up"), ".targets[0].exrp"),
        (lambda panel: panel["options"]["legend"].update(place="x"), ".options.legend.place"),
    ],
)
def test_a_field_of_another_name_is_noticed(damage: Any, words: str) -> None:
    panel = timeseries()
    damage(panel)
    assert list(lost(panel, told(Panel.from_json(panel)))) == [words]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda panel: panel.update(title=3), "no str"),
        (lambda panel: panel["gridPos"].update(w="8"), "no int"),
        (lambda panel: panel["options"]["tooltip"].update(mode="several"), "none of"),
    ],
)
def test_a_value_of_another_type_is_noticed(damage: Any, words: str) -> None:
    panel = timeseries()
    damage(panel)
    found = list(faults(Panel.from_json(panel), Panel))
    assert found
    assert words in " ".join(found)


def queries(shown: Json) -> Iterator[tuple[str, str]]:
    """Where, and what is asked there, with the variables' values in it."""
    for panel in panels(shown):
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m")
    for annotation in shown["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def test_queries_ask_only_for_what_is_exposed(shown: Json) -> None:
    for where, query in queries(shown):
        check_names(query, where)
        assert "$region" in query, where
    for variable in shown["templating"]["list"]:
        if variable["type"] == "query":
            check_names(variable["query"].removeprefix("label_values(").partition(",")[0], variable["name"])


def test_every_panel_asks_the_chosen_source(shown: Json) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(shown):
        assert panel["datasource"] == source
        assert {json.dumps(target["datasource"]) for target in panel["targets"]} == {json.dumps(source)}
    variables = {one["name"]: one for one in shown["templating"]["list"]}
    assert list(variables) == ["datasource", "region", "instance"]
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert variables["region"]["datasource"] == variables["instance"]["datasource"] == source


def test_every_panel_has_a_unit_grafana_knows_and_a_name_of_its_own(shown: Json) -> None:
    ids = [panel["id"] for panel in shown["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels(shown):
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))
        assert all(target["legendFormat"] for target in panel["targets"])


def test_panels_do_not_overlap_and_fit(shown: Json) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in shown["panels"]:
        at = panel["gridPos"]
        assert 0 <= at["x"] <= at["x"] + at["w"] <= WIDTH
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies on {taken[(x, y)]}"
                taken[(x, y)] = panel["title"]


def test_the_rows(shown: Json) -> None:
    rows = [panel["title"] for panel in shown["panels"] if panel["type"] == "row"]
    assert rows == [
        *("Overview", "API", "Environments and scaling", "Battles", "Queues", "Replication", "Cache", "Database"),
    ]


def test_the_containers_read_the_same_files() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    mounted = {name: dict(one.split(":")[:2] for one in service["volumes"]) for name, service in services.items()}
    assert (COMPOSE.parent / "../infra/prometheus").resolve() == FOLDER
    assert mounted["prometheus"]["../infra/prometheus"] == "/etc/prometheus"
    assert "--config.file=/etc/prometheus/prometheus.yml" in services["prometheus"]["command"]
    provisioning = ROOT / "infra" / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "arena.yml").read_text())["providers"]
    assert mounted["grafana"]["../infra/grafana/dashboards"] == provider["options"]["path"]
    assert (COMPOSE.parent / "../infra/grafana/dashboards").resolve() == FILE.parent
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://127.0.0.1:9090"
    assert "--web.listen-address=127.0.0.1:9090" in services["prometheus"]["command"]
    assert (
        source["jsonData"]["timeInterval"]
        == yaml.safe_load((FOLDER / "prometheus.yml").read_text())["global"]["scrape_interval"]
    )
