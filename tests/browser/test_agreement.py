"""Every figure on the page is the API's: real work, on a real database and a real cache, read off the page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.database import Database

import app as composition
from chalicelib.clock import ManualClock
from chalicelib.entrypoints import scheduled
from tests.browser.browser import Browser
from tests.browser.conftest import Site, site_of
from tests.browser.reading import figures, says, table
from tests.browser.serving import in_turn
from tests.http_arena import SCHEDULED
from tests.installed import OPERATOR, SEVERAL_REGIONS, init_data
from tests.localstack.running import eventually

HISTORY = "GET /api/ops/history?minutes=60"
Column = tuple[str, Callable[[Mapping[str, Any]], Any]]


@pytest.fixture
def busy(mongo_uri: str, database: Database[dict[str, Any]], valkey_url: str) -> Iterator[Site]:
    """Two minutes of work: battles, reads, an evaluation; and a letter that died."""
    clock = ManualClock(datetime.now(UTC).replace(second=0, microsecond=0))
    more = {"REDIS_URL": valkey_url, "ARENA_RATE_LIMITS": "on"}
    with site_of(mongo_uri, database, clock, **more, **SEVERAL_REGIONS) as site:
        for battle in range(2):
            work(site, battle)
            site.arena.scaling.evaluate()
            clock.advance(60)
            eventually(site.arena.meters.flush)
            scheduled.metrics(SCHEDULED, None)
        site.arena.messages.dead = {"one": "{"}
        yield site


def work(site: Site, battle: int) -> None:
    headers = {"x-telegram-init-data": init_data(777, site.clock())}
    assert in_turn(composition.app, "POST", "/api/brokers/starter", {}, headers).status in (200, 201)
    [broker, *_] = in_turn(composition.app, "GET", "/api/brokers/mine", headers=headers).data
    for _ in range(2):
        assert in_turn(composition.app, "GET", "/api/game-modes", headers=headers).status == 200
    body = {"requestId": f"battle-{battle}", "brokerId": broker["_id"]}
    assert in_turn(composition.app, "POST", "/api/battle/run", body, headers).status == 200


@pytest.fixture
def page(busy: Site, browser: Browser) -> Browser:
    """Signed in, and asking for each thing once only."""
    token = in_turn(composition.app, "POST", "/api/admin/auth/login", OPERATOR).data["token"]
    browser.open(f"{busy.base}console#token={token}")
    browser.choose("[name=refresh]", "off")
    browser.one(".world")
    # An answer under way would be newer than what the page shows.
    browser.until_quiet(lambda: len(busy.asked))
    return browser


def seen(page: Browser, view: str) -> None:
    page.view(view)
    page.gone(".skeleton")
    assert page.all(".problem") == []


def agree(rows: Sequence[Mapping[str, str]], told: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    assert len(rows) == len(told)
    for row, one in zip(rows, told, strict=True):
        for name, value in columns:
            assert says(row[name], value(one)), (name, row[name], value(one))


def test_environments(busy: Site, page: Browser) -> None:
    seen(page, "environments")
    told = busy.data("GET /api/ops/instances")
    agree(
        table(page, "instances", "Environments"),
        told["instances"],
        (
            ("CPU", lambda one: one["cpu"]["usage"]),
            ("Load", lambda one: one["cpu"]["loadAverage"]),
            ("Memory", lambda one: one["memory"]["used"]),
            ("Sent", lambda one: one["network"]["bytesTransferred"]),
            ("DB conns.", lambda one: one["database"]["connections"]),
            ("DB queries", lambda one: one["database"]["queriesPerSecond"]),
            ("Cache hits", lambda one: one["cache"]["hitRate"]),
            ("Requests", lambda one: one["application"]["requestsPerSecond"]),
            ("Answered in", lambda one: one["application"]["avgResponseTime"]),
            ("Errors", lambda one: one["application"]["errorRate"]),
        ),
    )
    for name, why in told["unavailable"].items():
        assert why in page.one("[data-panel=instances]").get_attribute("textContent"), name  # type: ignore[operator]
    shown = figures(page, "environments")
    last = busy.data(HISTORY)["points"][-1]
    assert last["provisioned"] == 5
    for name, key in (
        ("Requested", "provisioned"),
        ("Ready", "ready"),
        ("In use", "inUse"),
        ("Reporting", "instances"),
    ):
        assert says(shown[name], last[key]), name
    assert says(shown["Spilled"], last["spilledPerSecond"])


def test_traffic_and_battles(busy: Site, page: Browser) -> None:
    seen(page, "traffic")
    points = busy.data(HISTORY)["points"]
    shown = figures(page, "traffic")
    for name, key in (("Requests", "requestsPerSecond"), ("p50", "latencyP50Seconds"), ("p99", "latencyP99Seconds")):
        assert says(shown[name], points[-1][key]), name
    page.click("[data-panel=traffic] .chart details summary")
    agree(table(page, "traffic", "Requests"), points[::-1], [("Requests", lambda one: one["requestsPerSecond"])])
    [kind] = points[-1]["battlesPerSecond"]
    [row] = table(page, "battles", "Battles by arena and league")
    assert (row["Arena"], row["League"]) == (kind["arena"], kind["league"])
    assert says(row["Now"], kind["perSecond"])


def test_cache_limits_and_database(busy: Site, page: Browser) -> None:
    seen(page, "stores")
    cache, database = busy.data("GET /api/ops/cache"), busy.data("GET /api/ops/database")
    timed: tuple[Column, ...] = (
        ("Sent", lambda one: one["total"]),
        ("Errors", lambda one: one["errors"]),
        ("p50", lambda one: one["p50Seconds"]),
        ("p95", lambda one: one["p95Seconds"]),
        ("p99", lambda one: one["p99Seconds"]),
    )
    assert cache["commands"]
    assert database["commands"]
    agree(table(page, "cache", "Cache commands"), cache["commands"], timed)
    agree(table(page, "database", "Database commands"), database["commands"], timed)
    lookups: tuple[Column, ...] = (("Hits", lambda one: one["hits"]), ("Misses", lambda one: one["misses"]))
    agree(table(page, "cache", "Lookups"), cache["lookups"], lookups)
    agree(table(page, "cache", "Nodes"), cache["nodes"], [("Memory", lambda one: one["memoryBytes"])])
    limits: tuple[Column, ...] = (("Admitted", lambda one: one["admitted"]), ("Refused", lambda one: one["refused"]))
    agree(table(page, "limits", "Limits"), cache["limits"], limits)
    pools: tuple[Column, ...] = (("Open", lambda one: one["open"]), ("In use", lambda one: one["inUse"]))
    agree(table(page, "database", "Pools"), database["pools"], pools)
    assert says(figures(page, "cache")["Hit ratio"], cache["hitRatio"])


def test_queues_and_dead_letters(busy: Site, page: Browser) -> None:
    seen(page, "queues")
    told = busy.data("GET /api/ops/queues")
    agree(
        table(page, "queues", "Queues"),
        told["queues"],
        (
            ("Waiting", lambda one: one["visible"]),
            ("In flight", lambda one: one["inFlight"]),
            ("Delayed", lambda one: one["delayed"]),
            ("Dead letters", lambda one: one["deadLetters"]),
        ),
    )
    for one in told["queues"]:
        assert (one["problem"] or "") in page.text("[data-panel=queues]")
    [letter] = busy.data("GET /api/ops/dead-letters?queue=battles&limit=50")["letters"]
    [row] = table(page, "letters", "Dead letters")
    assert row["Reason"] == letter["reason"]
    assert (letter["why"] or "") in row["Replay would"]


def test_replication(busy: Site, page: Browser) -> None:
    seen(page, "regions")
    told = busy.data("GET /api/ops/replication")
    agree(
        table(page, "replication", "Peers"),
        told["peers"],
        (
            ("Sent", lambda one: one["sent"]),
            ("Failed", lambda one: one["failed"]),
            ("Applied", lambda one: (one["received"] or {}).get("applied")),
            ("Waiting", lambda one: one["waiting"]),
        ),
    )
    assert says(figures(page, "replication")["Differences"], told["differencesTotal"])


def test_letters_are_replayed_for_real_after_a_dry_run(busy: Site, page: Browser) -> None:
    """One that is no message of ours: it is told so twice, and stays where it is."""
    seen(page, "queues")
    page.button("Replay all")
    page.button("Dry run", "dialog")
    page.shows("Dry run: this would happen.", "dialog")
    told = busy.data("POST /api/ops/dead-letters/replay")
    assert told["dryRun"] is True
    [result] = told["results"]
    assert result["fate"] in ("refused", "left out")
    assert result["why"] in page.text("dialog")
    assert list(busy.arena.messages.dead) == ["one"]
