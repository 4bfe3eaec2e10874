"""What operators do on the page: each asks before it does it, and tells what came of it. On paper."""

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import Browser
from tests.browser.conftest import World


def sent(world: World, route: str) -> list[dict[str, object]]:
    return [body for asked, body in world.home.asked if asked == route]


def test_letters_are_replayed_after_a_dry_run(browser: Browser, world: World) -> None:
    """Two are chosen: they are told what would become of them, and only what can be sent is sent."""
    route = "POST /api/ops/dead-letters/replay"
    browser.open(world.signed_in)
    browser.view("queues")
    first, _, third = (box for box in browser.until(lambda: browser.all("[type=checkbox]"), "letters"))
    first.click()
    third.click()
    browser.button("Replay 2 chosen")
    browser.shows("sends nothing", "dialog")
    assert sent(world, route) == []
    browser.button("Dry run", "dialog")
    browser.shows("Dry run: this would happen.", "dialog")
    browser.button("Send", "dialog")
    browser.shows("This was done.", "dialog")
    [tried, done] = sent(world, route)
    assert (tried["dryRun"], done["dryRun"]) == (True, False)
    assert tried["messageIds"] == done["messageIds"]
    assert len(list(done["messageIds"])) == 2  # type: ignore[call-overload]
    browser.button("Close", "dialog")
    browser.gone("dialog")


def test_all_letters_means_those_that_were_shown(browser: Browser, world: World) -> None:
    """One that cannot be sent is left out, and one that comes meanwhile too."""
    browser.open(world.signed_in)
    browser.view("queues")
    browser.button("Replay all")
    browser.button("Dry run", "dialog")
    browser.shows("the battle was fought meanwhile", "dialog")
    browser.button("Send 2 again", "dialog")
    browser.shows("This was done.", "dialog")
    [tried, done] = sent(world, "POST /api/ops/dead-letters/replay")
    assert "messageIds" not in tried
    assert [str(one)[-1] for one in list(done["messageIds"])] == ["0", "1"]  # type: ignore[call-overload]


def test_a_failover_shows_its_steps_and_wants_the_region_s_name(browser: Browser, world: World) -> None:
    route = "POST /api/ops/failover"
    browser.open(world.signed_in)
    browser.view("actions")
    browser.button("Fail over", "[data-action=failover]")
    browser.button("Show the steps", "dialog")
    browser.shows("fence: nobody serves the players of us-east-1", "dialog")
    confirm = browser.one("dialog button.danger")
    for typed in ("us-east", "eu-west-1", "US-EAST-1"):
        browser.fill("#typed", typed)
        assert not confirm.is_enabled()
    browser.fill("#typed", "us-east-1")
    browser.button("Fail over", "dialog")
    browser.shows("eu-west-1 serves the players of us-east-1", "dialog")
    browser.shows("3 of us-east-1", "dialog")
    plan, done = sent(world, route)
    assert plan == {"from": "us-east-1", "dryRun": True}
    assert done == {"from": "us-east-1", "dryRun": False}


def test_a_failover_that_catches_up_goes_on_when_told_to(browser: Browser, world: World) -> None:
    route = "POST /api/ops/failover"
    told = world.home.told[route]
    answers = ["catching_up", "done"]
    world.home.told[route] = lambda body: {**told(body), **({} if body["dryRun"] else {"state": answers.pop(0)})}
    browser.open(world.signed_in)
    browser.view("actions")
    browser.button("Fail over", "[data-action=failover]")
    browser.button("Show the steps", "dialog")
    browser.fill("#typed", "us-east-1")
    browser.button("Fail over", "dialog")
    browser.shows("still catches up", "dialog")
    browser.button("Go on", "dialog")
    browser.shows("eu-west-1 serves the players of us-east-1", "dialog")


def test_players_are_given_back_only_where_they_are_away(browser: Browser, world: World) -> None:
    told = world.home.told["GET /api/ops/regions"]
    browser.open(world.signed_in)
    browser.view("actions")
    assert not browser.one("[data-action=return] button").is_enabled()

    def away(body: object) -> object:
        seen = told({})
        return {**seen, "regions": [{**seen["regions"][0], "servedBy": "eu-west-1"}, *seen["regions"][1:]]}

    world.home.told["GET /api/ops/regions"] = away
    browser.later(6)
    browser.button("Return", "[data-action=return]")
    browser.button("Show the steps", "dialog")
    browser.fill("#typed", "us-east-1")
    browser.button("Give back", "dialog")
    browser.shows("us-east-1 serves the players of us-east-1", "dialog")
    assert sent(world, "POST /api/ops/failover")[-1] == {"return": "us-east-1", "dryRun": False}


def test_a_refusal_to_fail_over_is_shown_and_nothing_is_confirmed(browser: Browser, world: World) -> None:
    world.home.refuse("POST /api/ops/failover", 409, "failover_refused", "the database of eu-west-1 does not answer")
    browser.open(world.signed_in)
    browser.view("actions")
    browser.button("Fail over", "[data-action=failover]")
    browser.button("Show the steps", "dialog")
    browser.shows("the database of eu-west-1 does not answer", "dialog")
    assert browser.all("#typed") == []


def test_the_cache_is_warmed_once_it_is_confirmed(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.view("actions")
    browser.button("Warm", "[data-action=warm]")
    assert sent(world, "POST /api/ops/cache/warm") == []
    browser.button("Warm", "dialog footer")
    browser.shows("31", "dialog .facts")


def test_a_refused_override_says_why_and_keeps_what_was_typed(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.view("scaling")
    browser.button("Override")
    browser.fill("[name=desired]", "19")
    browser.fill("[name=reason]", "a tournament")
    browser.button("Next", "dialog")
    browser.button("Set override", "dialog")
    browser.shows("allowed here: 3 to 18", "dialog")
    assert browser.one("[name=reason]").get_attribute("value") == "a tournament"
    browser.fill("[name=desired]", "9")
    browser.button("Next", "dialog")
    browser.button("Set override", "dialog")
    browser.shows("Fixed at 9", "[data-override]")


def test_what_a_busy_arena_had_no_time_for_is_done_by_doing_it_again(browser: Browser, world: World) -> None:
    """Nothing is typed twice."""
    changes = ("POST /api/ops/scaling/override", "DELETE /api/ops/scaling/override")
    for route in changes:
        world.home.busy(route, 2)
    browser.open(world.signed_in)
    browser.view("scaling")
    browser.button("Override")
    browser.fill("[name=desired]", "9")
    browser.fill("[name=reason]", "a tournament")
    browser.insist("Next", "Set override")
    browser.shows("Fixed at 9", "[data-override]")
    browser.button("End override")
    browser.insist("End override")
    browser.gone("[data-override]")
    assert [world.home.count(route) for route in changes] == [3, 3]
    assert sent(world, changes[0]) == [{"desired": 9, "minutes": 30, "reason": "a tournament"}] * 3


def test_a_dialog_keeps_the_focus_and_gives_it_back(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.view("actions")
    opener = browser.one("[data-action=override] button")
    browser.until(opener.is_enabled, "the bounds are known")
    opener.send_keys(Keys.ENTER)
    browser.one("dialog")
    within = "return document.querySelector('dialog').contains(document.activeElement)"
    assert browser.script("return document.activeElement.name") == "desired"
    for _ in range(8):
        browser.press(Keys.TAB)
        assert browser.script(within)
    browser.press(Keys.ESCAPE)
    browser.gone("dialog")
    assert browser.script("return document.activeElement === arguments[0]", opener)


def test_what_would_happen_now_names_every_rule(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.view("scaling")
    assert sent(world, "POST /api/ops/scaling/evaluate") == []
    browser.button("Evaluate")
    browser.shows("5 → 7", ".verdict")
    browser.click("[data-panel=preview] summary")
    shown = browser.text("[data-panel=preview]")
    for part in ("cpu", "memory", "abstain", "the queue did not answer", "at most 2 within 60 s", "mongo connections"):
        assert part in shown


def test_a_decision_opens_to_all_that_led_to_it(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.view("scaling")
    browser.click(".decisions summary")
    shown = browser.text(".decisions li")
    for part in ("moved 5 → 7", "cpu_usage", "reports of 5 environments", "at most 2 within 60 s"):
        assert part in shown
    # It stays open while newer ones come.
    browser.later(6)
    browser.until(lambda: world.home.count("GET /api/ops/scaling") > 1, "asked again")
    assert browser.one(".decisions details").get_attribute("open") is not None


def test_a_decision_whose_record_is_a_digest_is_shown_all_the_same(browser: Browser, world: World) -> None:
    told = world.home.told["GET /api/ops/scaling"]

    def digests(body: object) -> object:
        state = told({})
        return {**state, "decisions": [{**one, "line": "sha256:8d1e"} for one in state["decisions"]]}

    world.home.told["GET /api/ops/scaling"] = digests
    browser.open(world.signed_in)
    browser.view("scaling")
    browser.click(".decisions summary")
    browser.shows("sha256:8d1e", ".decisions li")


def test_charts_are_read_by_keyboard_and_as_a_table(browser: Browser, world: World) -> None:
    browser.open(world.signed_in)
    browser.view("environments")
    chart = browser.one(".plot")
    # A minute that is over meanwhile would make what is latest now the minute before.
    browser.halt()
    latest = browser.text(".chart figcaption time")
    chart.send_keys(Keys.ARROW_LEFT)
    browser.until(lambda: browser.text(".chart figcaption time") != latest, "the minute before")
    browser.click(".chart details summary")
    assert len(browser.all(".chart details[open] tbody tr")) == 60


def test_letters_are_looked_at_when_asked_for_and_not_by_the_clock(browser: Browser, world: World) -> None:
    """Whoever looks at letters holds them for that moment."""
    browser.open(world.signed_in)
    browser.view("queues")
    browser.until(lambda: browser.all("[type=checkbox]"), "letters")
    looked = world.home.count("GET /api/ops/dead-letters")
    queues = world.home.count("GET /api/ops/queues")
    browser.later(60)
    browser.until(lambda: world.home.count("GET /api/ops/queues") > queues, "the queues are asked again")
    assert world.home.count("GET /api/ops/dead-letters") == looked
    browser.button("Look again")
    browser.until(lambda: world.home.count("GET /api/ops/dead-letters") == looked + 1, "looked again")


def test_a_failover_that_broke_off_says_that_nobody_serves_and_can_be_repeated(browser: Browser, world: World) -> None:
    route = "POST /api/ops/failover"
    told = world.home.told[route]
    browser.open(world.signed_in)
    browser.view("actions")
    browser.button("Fail over", "[data-action=failover]")
    browser.button("Show the steps", "dialog")
    browser.fill("#typed", "us-east-1")
    world.home.refuse(route, 503, "failover_unfinished", "nobody serves us-east-1 now: run it again at once")
    browser.button("Fail over", "dialog")
    browser.shows("nobody serves the players of us-east-1 until it is done", "dialog")
    world.home.told[route] = told
    browser.button("Fail over", "dialog")
    browser.shows("eu-west-1 serves the players of us-east-1", "dialog")
