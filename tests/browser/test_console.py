"""The page over the app itself: a real database, a real cache, a controller that decides."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.database import Database
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

import app as composition
from chalicelib.arena.operator_sign_in import issue_token
from chalicelib.clock import ManualClock
from chalicelib.replication.regions import introduction
from localcloud.ports import free_ports
from tests.browser.browser import Browser
from tests.browser.conftest import Site, World, site_of
from tests.browser.figures import REGIONS
from tests.browser.serving import in_turn
from tests.installed import OPERATOR
from tests.scaling_worlds import once
from tests.unit.test_settings import DEVELOPMENT

DECISIONS = "[data-panel=decisions]"


@pytest.fixture
def token(site: Site) -> str:
    return str(in_turn(composition.app, "POST", "/api/admin/auth/login", {**OPERATOR, "minutes": 60}).data["token"])


@pytest.fixture
def page(site: Site, token: str, browser: Browser) -> Browser:
    """Signed in."""
    browser.open(f"{site.base}console#token={token}")
    browser.one(".world")
    return browser


def answer(token: str, path: str) -> Any:
    return in_turn(composition.app, "GET", path, headers={"authorization": f"Bearer {token}"}).data


def named(name: str) -> Any:
    """Whether an element's text or label begins so."""

    def fits(element: WebElement) -> bool:
        return (element.text or element.get_attribute("name") or "").startswith(name)

    return fits


def test_signing_in_and_overriding_with_the_keyboard_alone(site: Site, browser: Browser) -> None:
    browser.open(f"{site.base}console")
    browser.until(lambda: browser.script("return document.activeElement.name") == "email", "the form has the focus")
    browser.press(OPERATOR["email"], Keys.TAB, OPERATOR["password"], Keys.ENTER)
    browser.one(".world")
    browser.tab_to(named("Scaling"))
    browser.press(Keys.ENTER)
    browser.one("[data-panel=controller] .figures")
    browser.tab_to(named("Override"))
    browser.press(Keys.ENTER)
    browser.one("dialog form")
    browser.press("7", Keys.TAB, "", Keys.TAB, "a tournament", Keys.ENTER)
    browser.shows("7 environments", "dialog")
    browser.press(Keys.ENTER)
    browser.shows("Fixed at 7", "[data-override]")
    [override] = [site.arena.scaling.show(1)["override"]]
    assert (override["desired"], override["reason"], override["by"]) == (7, "a tournament", OPERATOR["email"])
    browser.tab_to(named("End override"))
    browser.press(Keys.ENTER)
    browser.one("dialog")
    browser.press(Keys.ENTER)
    browser.gone("[data-override]")
    assert site.arena.scaling.show(1)["override"] is None


def test_a_decision_appears_with_the_next_refresh(site: Site, page: Browser) -> None:
    """Five environments are busy for a minute and more: the controller doubles them, and the page says so untouched."""
    page.view("scaling")
    page.shows("Nothing has been decided yet", DECISIONS)
    page.halt()
    page.until_quiet(lambda: len(site.asked))
    site.arena.region.serve(5, cpu_share=0.9, request_rate=150.0)
    site.arena.scaling.run(once(6))
    asked = site.count("GET /api/ops/scaling")
    page.later(6)
    page.shows("5 → 10", DECISIONS)
    assert site.count("GET /api/ops/scaling") - asked == 1
    [decided] = [one for one in site.arena.scaling.show(6)["decisions"] if one["action"] == "out"]
    assert decided["reason"] in page.text(DECISIONS)
    page.shows("moved 5 → 10", DECISIONS)


def test_a_dry_run_shows_what_the_controller_would_do_and_moves_nothing(site: Site, page: Browser) -> None:
    site.arena.region.serve(5, cpu_share=0.95)
    page.view("scaling")
    page.button("Evaluate")
    preview = site.arena.scaling.preview()
    page.shows(f"{preview['current']} → {preview['desired']}", ".verdict")
    page.click("[data-panel=preview] summary")
    shown = page.text("[data-panel=preview]")
    for outcome in preview["outcomes"]:
        assert outcome["reason"] in shown
    assert site.arena.scaling.show(1)["decisions"] == []


def test_the_regions_are_as_the_api_tells_them(site: Site, token: str, page: Browser) -> None:
    told = answer(token, "/api/ops/regions")["regions"]
    rows = page.until(lambda: page.all("[data-panel=regions] tbody tr"), "rows")
    assert len(rows) == len(told) == 3
    for row, region in zip(rows, told, strict=True):
        assert region["region"] in row.text
        assert f"priority {region['priority']}" in row.text
    assert "itself" in rows[0].text


def test_a_sign_in_ends_after_the_hour_and_goes_on_where_it_was(site: Site, page: Browser) -> None:
    page.view("scaling")
    page.one("[data-panel=controller] .figures")
    site.clock.advance(59 * 60)
    page.later(6)
    asked = site.count("GET /api/ops/scaling")
    page.until(lambda: site.count("GET /api/ops/scaling") > asked, "still answered")
    assert page.all("dialog") == []
    site.clock.advance(2 * 60)
    page.later(6)
    page.shows("Your sign-in has ended", "dialog")
    page.fill("[name=email]", OPERATOR["email"])
    page.fill("[name=password]", OPERATOR["password"])
    page.button("Sign in", "dialog")
    page.gone("dialog")
    page.one("nav a[href='#scaling'][aria-current]")


@pytest.fixture
def nobody(mongo_uri: str, database: Database[dict[str, Any]]) -> Iterator[Site]:
    """An arena without an operator."""
    unset = {key: "" for key in DEVELOPMENT if key.startswith("ADMIN_")}
    with site_of(mongo_uri, database, ManualClock(datetime.now(UTC)), **unset) as site:
        yield site


def test_where_there_is_no_operator_the_page_says_so(nobody: Site, browser: Browser) -> None:
    browser.open(f"{nobody.base}console#token=some.old.token")
    browser.shows("No operator is configured here")
    assert not [asked for asked in nobody.asked if "/api/" in asked]


def test_the_page_comes_while_the_database_is_away(database: Database[dict[str, Any]], browser: Browser) -> None:
    """It says what does not answer, rather than not to come."""
    [port] = free_ports(1)
    with site_of(f"mongodb://127.0.0.1:{port}/?replicaSet=none", database, ManualClock(datetime.now(UTC))) as site:
        operator = site.arena.settings.operator
        assert operator is not None
        browser.open(f"{site.base}console#token={issue_token(operator, site.clock())}")
        browser.shows("database_unavailable", "[data-panel=regions] .problem")


def test_regions_elsewhere_are_asked_across_origins(
    site: Site, token: str, world: World, browser: Browser, database: Database[dict[str, Any]]
) -> None:
    """By the addresses in this region's database, which the page's policy is made from."""
    west = world.papers[REGIONS[1]]
    for paper in world.papers.values():
        paper.token = token
    for name, paper in world.papers.items():
        told = introduction(name, site.base.rstrip("/") if name == REGIONS[0] else str(paper.urls[name]))
        database["regions"].update_one(told.where, told.change, upsert=told.upsert)
    browser.open(f"{site.base}console#token={token}")
    browser.button("Look at it", "[data-panel=regions]")
    browser.until(lambda: west.count("GET /api/ops/history"), "the other region is asked")
    browser.view("environments")
    browser.shows("provisioned", "[data-panel=instances]")
