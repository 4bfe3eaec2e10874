"""What the page shows when things are not as they should be: regions on paper, every answer in the test's hand."""

import threading
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.audits import CONTRAST, NAMELESS, OVERFLOW, WATCH_SHIFTS
from tests.browser.browser import PATIENCE_SECONDS, PHONE, Browser
from tests.browser.conftest import World
from tests.browser.figures import REGIONS, history, now
from tests.browser.paper import PASSWORD, TOKEN

VIEWS = ("regions", "environments", "scaling", "queues", "traffic", "stores", "actions")
PANELS = {
    "regions": ("regions", "glance", "replication"),
    "environments": ("environments", "instances"),
    "scaling": ("controller", "preview", "decisions"),
    "queues": ("queues", "letters"),
    "traffic": ("traffic", "battles"),
    "stores": ("cache", "limits", "database"),
}


def panel(name: str) -> str:
    return f"[data-panel={name}]"


def sign_in(browser: Browser, password: str = PASSWORD) -> None:
    browser.fill("[name=email]", "ops@arena.test")
    browser.fill("[name=password]", password)
    browser.button("Sign in")


def test_a_token_of_the_address_is_taken_and_removed(browser: Browser, world: World) -> None:
    """It stays in this tab: neither in the address, nor in what other tabs could read."""
    browser.open(world.signed_in)
    browser.one(".world")
    assert browser.script("return location.href") == world.page
    assert browser.script("return sessionStorage.getItem('arena.token')") == TOKEN
    assert TOKEN not in str(browser.script("return Object.values(localStorage)"))
    browser.button("Sign out")
    browser.one("form")
    assert browser.script("return sessionStorage.getItem('arena.token')") is None


def test_an_address_with_a_token_may_be_pasted_over_the_page(browser: Browser, world: World) -> None:
    browser.open(f"{world.page}#token=%E0%A4%A&x")
    browser.one("form")
    assert "#" not in str(browser.script("return location.href"))
    browser.script("location.hash = arguments[0]", f"token={TOKEN}")
    browser.one(".world")
    assert TOKEN not in str(browser.script("return location.href"))


def test_who_is_not_signed_in_sees_a_form_and_nothing_is_asked(browser: Browser, world: World) -> None:
    browser.open(world.page)
    browser.one("form")
    assert world.home.asked == []
    sign_in(browser, "wrong")
    browser.shows("address or password is wrong")
    sign_in(browser)
    browser.one(".world")


def test_too_many_tries_are_told_when_to_try_again(browser: Browser, world: World) -> None:
    world.home.refuse("POST /api/admin/auth/login", 429, "rate_limited", **{"Retry-After": "180"})
    browser.open(world.page)
    sign_in(browser)
    browser.shows("rate_limited")
    browser.shows("3 min")


def test_without_operators_the_page_says_how_there_would_be_some(browser: Browser, world: World) -> None:
    world.home.operators = "none"
    browser.open(world.page)
    browser.shows("No operator is configured here")
    browser.shows("ADMIN_PASSWORD_HASH")
    assert browser.all("form") == []


def test_an_expired_sign_in_keeps_everything(browser: Browser, world: World) -> None:
    """The form comes above the page: the view, its data and what was being typed are there afterwards."""
    browser.open(world.signed_in)
    browser.view("scaling")
    browser.button("Override")
    browser.fill("[name=reason]", "a tournament")
    world.home.token = "another"
    browser.later(6)
    browser.shows("Your sign-in has ended")
    browser.one(f"{panel('decisions')} .decisions")
    for _ in range(3):
        browser.press(Keys.ESCAPE)
    browser.shows("Your sign-in has ended")
    sign_in(browser)
    browser.until(lambda: len(browser.all("dialog")) == 1, "the form is gone")
    assert browser.one("[name=reason]").get_attribute("value") == "a tournament"


def test_nothing_yet_is_said_in_words(browser: Browser, world: World) -> None:
    home, empty = world.home, {"region": REGIONS[0], "at": now()}
    home.say("GET /api/ops/history", {"region": REGIONS[0], "points": []})
    home.say("GET /api/ops/instances", {**empty, "instances": [], "aggregate": {}, "unavailable": {}})
    bounds = {"policy": "guide", "limits": {"min": 1, "max": 1}, "override": None}
    home.say("GET /api/ops/scaling", {**bounds, "decisions": []})
    home.say("GET /api/ops/dead-letters", {"queue": "battles", "letters": [], "more": False})
    home.say("GET /api/ops/replication", {**empty, "replicating": False, "peers": []})
    home.say("GET /api/ops/cache", {**empty, "configured": False, "limits": []})
    browser.open(world.signed_in)
    browser.shows("No minute has been recorded yet", panel("glance"))
    browser.shows("replicates with nobody", panel("replication"))
    browser.view("environments")
    browser.shows("No minute has been recorded yet", panel("environments"))
    browser.shows("No environment has reported", panel("instances"))
    browser.view("scaling")
    browser.shows("Nothing has been decided yet", panel("decisions"))
    browser.view("queues")
    browser.shows("No dead letters.", panel("letters"))
    browser.view("stores")
    browser.shows("No cache is configured here", panel("cache"))


def test_what_is_not_known_is_a_dash_with_its_reason(browser: Browser, world: World) -> None:
    points = [{**point, "inUse": None, "battlesPerSecond": None} for point in history(now())]
    world.home.say("GET /api/ops/history", {"region": REGIONS[0], "points": points})
    browser.open(world.signed_in)
    browser.view("environments")
    figure = browser.one("[data-figure='In use'] dd")
    assert figure.text.startswith("–")
    assert figure.get_attribute("title") == "the scaling controller did not measure it"
    browser.view("queues")
    browser.shows("SQS did not answer", panel("queues"))


def test_an_answer_under_way_is_told(browser: Browser, world: World) -> None:
    arrived, go = threading.Event(), threading.Event()
    told = world.home.told["GET /api/ops/database"]

    def slow(sent: Any) -> Any:
        arrived.set()
        assert go.wait(5 * PATIENCE_SECONDS)
        return told(sent)

    world.home.told["GET /api/ops/database"] = slow
    browser.open(world.signed_in)
    browser.halt()
    browser.view("stores")
    assert arrived.wait(PATIENCE_SECONDS)
    assert browser.one(panel("database")).get_attribute("aria-busy") == "true"
    browser.one(f"{panel('database')} .skeleton")
    # However late: nothing is asked a second time while the first answer is awaited.
    browser.later(12)
    browser.until(lambda: world.home.count("GET /api/ops/cache") > 1, "the cache is asked again")
    assert world.home.count("GET /api/ops/database") == 1
    go.set()
    browser.shows("commitTransaction", panel("database"))


def test_a_refusal_is_shown_with_what_support_asks_for_and_can_be_tried_again(browser: Browser, world: World) -> None:
    told = world.home.told["GET /api/ops/cache"]
    world.home.refuse("GET /api/ops/cache", 500, "internal server error", "something broke")
    browser.open(world.signed_in)
    browser.view("stores")
    problem = browser.text(f"{panel('cache')} .problem")
    assert "something broke" in problem
    assert "internal server error" in problem
    assert "paper-" in problem
    world.home.told["GET /api/ops/cache"] = told
    browser.button("Retry", panel("cache"))
    browser.shows("EVALSHA", panel("cache"))
    browser.gone(f"{panel('cache')} .problem")


def test_what_could_not_be_refreshed_stays_and_shows_its_age(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.view("stores")
    browser.shows("commitTransaction", panel("database"))
    browser.halt()
    world.home.refuse("GET /api/ops/database", 503, "metrics_unavailable", "not read", **{"Retry-After": "120"})
    browser.later(6)
    browser.shows("Not refreshed: not read", panel("database"))
    assert "is-stale" not in str(browser.one(panel("database")).get_attribute("class"))
    asked = world.home.count("GET /api/ops/database")
    browser.later(15)
    browser.one(f"{panel('database')}.is-stale")
    browser.shows(" s old", panel("database"))
    browser.shows("commitTransaction", panel("database"))
    # Retry-After has not passed: others are asked again, this one is not.
    others = world.home.count("GET /api/ops/cache")
    browser.later(60)
    browser.until(lambda: world.home.count("GET /api/ops/cache") > others, "the cache is asked again")
    assert world.home.count("GET /api/ops/database") == asked
    browser.later(60)
    browser.until(lambda: world.home.count("GET /api/ops/database") > asked, "the database is asked again")


def test_nobody_asks_while_nobody_looks(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.one(".world")
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, value: arguments[0]});"
    browser.script(hide, True)
    browser.until_quiet(lambda: len(world.home.asked))
    asked = len(world.home.asked)
    browser.later(30)
    browser.ticks()
    assert len(world.home.asked) == asked
    browser.script(hide + "document.dispatchEvent(new Event('visibilitychange'))", False)
    browser.until(lambda: len(world.home.asked) > asked, "asked again")


def test_a_pause_is_a_setting_that_stays(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.one(".world")
    browser.choose("[name=refresh]", "off")
    browser.until_quiet(lambda: len(world.home.asked))
    asked = world.home.count("GET /api/ops/regions")
    browser.later(40)
    browser.one(f"{panel('regions')}.is-stale")
    assert world.home.count("GET /api/ops/regions") == asked
    browser.click("[aria-label='Refresh now']")
    browser.gone(f"{panel('regions')}.is-stale")
    browser.open(world.page)
    assert browser.one("[name=refresh]").get_attribute("value") == "off"


def test_a_region_that_does_not_answer_is_a_state(browser: Browser, world: World) -> None:
    """One that refuses, one whose address is wrong, one nobody told: each in its row, none in another's way."""
    home = world.home
    world.papers[REGIONS[1]].say(
        "GET /health/ready", {"ready": False, "dependencies": {"mongodb": "down", "redis": "up"}, "environment": {}}
    )
    home.urls[REGIONS[2]] = f"{home.urls[REGIONS[2]]}/nowhere"
    browser.open(world.signed_in)
    browser.shows("mongodb down", panel("regions"))
    home.urls[REGIONS[2]] = None
    browser.later(6)
    browser.shows("address not told", panel("regions"))


def test_another_region_is_asked_itself(browser: Browser, world: World) -> None:
    """By its own address and across origins, as the page's policy allows."""
    west = world.papers[REGIONS[1]]
    browser.open(world.signed_in)
    browser.button("Look at it", panel("regions"))
    browser.until(lambda: west.count("GET /api/ops/history"), "the other region is asked")
    browser.view("scaling")
    browser.shows(REGIONS[1], panel("controller"))
    browser.one(f"{panel('controller')} .figures")
    assert west.count("GET /api/ops/scaling")
    assert not world.home.count("GET /api/ops/scaling")
    assert browser.one("[name=region]").get_attribute("value") == REGIONS[1]


def ask_again(browser: Browser, world: World) -> None:
    asked = len(world.home.asked)
    browser.later(6)
    browser.until(lambda: len(world.home.asked) > asked, "asked again")


def test_refreshing_moves_nothing(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    for view, panels in PANELS.items():
        browser.view(view)
        for name in panels:
            browser.one(panel(name))
        browser.gone(".skeleton")
        browser.until(lambda: "asking…" not in browser.text("main"), "every region has answered")
        browser.script(WATCH_SHIFTS)
        browser.until(lambda: browser.script("return window.shifts !== null"), "what was drawn is to be seen")
        ask_again(browser, world)
        assert browser.script("return window.shifts") == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_narrow_phone_never_scrolls_sideways(browser: Browser, world: World, view: str) -> None:
    browser.size(*PHONE, phone=True)
    browser.open(world.signed_in)
    browser.view(view)
    for name in PANELS.get(view, ()):
        browser.one(panel(name))
    browser.gone(".skeleton")
    browser.script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.script(OVERFLOW) == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_and_controls_have_names(browser: Browser, world: World, dark: bool) -> None:
    """WCAG 2.2: contrast of 4.5 to 1 at least (1.4.3), a name for every control (4.1.2), one heading of the page."""
    browser.dark(dark)
    browser.open(world.signed_in)
    browser.one(".world")
    world.home.refuse("GET /api/ops/queues", 503, "queue_unavailable")
    for view in VIEWS:
        browser.view(view)
        browser.gone(".skeleton")
        assert browser.script(CONTRAST) == []
        assert browser.script(NAMELESS) == []
        assert len(browser.all("h1")) == 1
        assert [len(browser.all(mark)) for mark in ("main", "nav[aria-label]", "header.top")] == [1, 1, 1]


def test_the_theme_is_the_system_s_until_chosen(browser: Browser, world: World) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    browser.open(world.page)
    light = browser.script(ground)
    browser.dark(True)
    assert browser.script(ground) != light
    browser.open(world.signed_in)
    browser.click("[aria-label='Theme: as the system']")
    assert browser.script(ground) == light
    browser.open(world.page)
    assert browser.script(ground) == light


def test_times_are_the_reader_s_and_utc_when_pointed_at(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.view("scaling")
    # Both at once: an answer that comes between the two may be of another hour.
    shown, title = browser.script(
        "return [arguments[0].textContent, arguments[0].title]", browser.one(".decisions time")
    )
    assert (int(shown.split()[-1][:2]) - int(title[11:13])) % 24 == 9
    assert title.endswith(" UTC")
