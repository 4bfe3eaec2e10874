"""A real Prometheus reads the arena's metrics page with the repository's configuration."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

import app as composition
from chalicelib import wiring
from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from chalicelib.entrypoints import scheduled
from chalicelib.settings import load
from infra.cli.prometheus_targets import targets
from infra.grafana.layout import dashboard
from tests.gateway import call
from tests.http_arena import SCHEDULED
from tests.installed import Fixed
from tests.localstack.running import eventually
from tests.prometheus import Prometheus, exposed, promtool, rules, running_prometheus, serving
from tests.unhurried import UnhurriedArena
from tests.unit.test_grafana import queries
from tests.unit.test_settings import DEVELOPMENT

REGION = "us-east-1"
PATH = "/api/metrics"
OWN = {"__name__", "job"}
PATIENCE_SECONDS = 60.0
Page = Callable[[], tuple[str, str]]
"""Content type and text."""


@pytest.fixture
def page(mongo_uri: str, valkey_url: str, database: Database[dict[str, Any]]) -> Iterator[Page]:
    """The arena's page."""
    ensure_indexes(database)
    seed_defaults(database, system_clock())
    stores = {"MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": valkey_url}
    arena = UnhurriedArena(load({**DEVELOPMENT, **stores}))
    wiring.install(Fixed(arena))

    def read() -> tuple[str, str]:
        answer = call(composition.app, "GET", "/metrics")
        assert answer.status == 200
        return answer.headers["content-type"], answer.text

    # Something of everything: requests good and bad, the schedules' gauges.
    assert call(composition.app, "GET", "/api/realms").status == 200
    assert call(composition.app, "GET", "/nowhere").status == 404
    scheduled.metrics(SCHEDULED, None)
    eventually(arena.meters.flush)
    yield read
    wiring.install(None)
    arena.close()


@pytest.fixture
def prometheus(page: Page, tmp_path: Path) -> Iterator[Prometheus]:
    with serving({PATH: page}) as address:
        found = targets({REGION: f"http://{address}/api"})
        with running_prometheus(tmp_path, found) as running:
            eventually(lambda: running.ask("query", query='up{job="arena"} == 1')["result"], seconds=PATIENCE_SECONDS)
            yield running


def test_it_reads_the_page_and_understands_every_rule_and_query(prometheus: Prometheus) -> None:

    def scraped() -> tuple[str, str, str]:
        (target,) = prometheus.ask("targets")["activeTargets"]
        return target["health"], target["lastError"], target["labels"]["region"]

    # Each scrape has a second, which a busy machine may not keep to.
    eventually(scraped, lambda found: found == ("up", "", REGION), seconds=PATIENCE_SECONDS)

    def unevaluated() -> list[dict[str, Any]]:
        groups = prometheus.ask("rules")["groups"]
        return [rule for group in groups for rule in group["rules"] if rule["health"] != "ok"]

    eventually(unevaluated, lambda found: not found, seconds=PATIENCE_SECONDS)
    groups = prometheus.ask("rules")["groups"]
    assert sum(len(group["rules"]) for group in groups) == len(rules())
    for where, query in queries(dashboard()):
        chosen = query.replace("$region", ".*").replace("$instance", ".*")
        assert prometheus.ask("query", query=chosen)["resultType"] == "vector", where


def test_what_it_has_read_is_what_queries_may_name(prometheus: Prometheus) -> None:
    """The table that queries are held to is no invention."""
    known = exposed()

    def read() -> list[dict[str, str]]:
        found: list[dict[str, str]] = prometheus.ask("series", **{"match[]": '{__name__=~"aiba_.*"}'})
        return found

    def tells_of_environments(found: list[dict[str, str]]) -> bool:
        return any(one["__name__"] == "aiba_active_connections" for one in found)

    # Where the first scrape came a minute late, the page was without environments; being asked for it, one tells again.
    series = eventually(read, tells_of_environments, seconds=PATIENCE_SECONDS)
    assert len(series) > 20
    for one in series:
        name = one["__name__"]
        assert name in known, f"the page has {name}, of which no table knows"
        assert one.keys() - OWN <= known[name], name
    # The page's label of an environment is its own, not that of what answered.
    instances = {one["instance"] for one in series if one["__name__"] == "aiba_active_connections"}
    assert not any(":" in instance for instance in instances)


def test_no_alert_is_raised_by_a_region_that_is_well(prometheus: Prometheus) -> None:
    def evaluated() -> bool:
        return all(rule["health"] == "ok" for group in prometheus.ask("rules")["groups"] for rule in group["rules"])

    def raised() -> list[str]:
        return [one["labels"]["alertname"] for one in prometheus.ask("alerts")["alerts"]]

    eventually(evaluated, seconds=PATIENCE_SECONDS)
    # A scrape that came late is over with the next one; what is wrong stays.
    eventually(raised, lambda found: found == [], seconds=PATIENCE_SECONDS)


def test_the_page_is_as_prometheus_wants_it(page: Page) -> None:
    content_type, text = page()
    assert content_type.startswith("text/plain; version=0.0.4")
    assert "aiba_http_requests_total" in text
    assert promtool("check", "metrics", stdin=text) == ""
