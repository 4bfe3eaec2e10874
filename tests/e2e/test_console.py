"""The console as ``make run`` gives it: three regions behind LocalStack's gateway, in a real browser."""

from tests.browser.browser import Browser, opened
from tests.browser.reading import table
from tests.e2e.client import ask
from tests.e2e.conftest import Cloud

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


UNANSWERED = ("status of 503", "status of 504")
"""The browser's words about what a busy machine had no time for: the page asks again, or its operator does."""


def test_the_console_shows_the_cloud_and_acts_on_it(cloud: Cloud) -> None:
    """Every region is there and ready; an override set on the page is the controller's, and its decisions appear."""
    printed = cloud.command("console", "--no-open")
    assert printed.returncode == 0, printed.stderr
    address = printed.stdout.strip()
    assert address.startswith(f"{cloud.status['console']}#token=")
    with opened() as browser:
        browser.open(address)
        browser.until(lambda: ready(browser) == list(REGIONS), "every region is ready")
        browser.view("scaling")
        browser.button("Override")
        browser.fill("[name=desired]", "2")
        browser.fill("[name=reason]", "a test of the console")
        browser.insist("Next", "Set override")
        browser.shows("Fixed at 2", "[data-override]")
        operator = {"Authorization": f"Bearer {address.partition('#token=')[2]}"}
        state = ask("GET", f"{cloud.api()}/api/ops/scaling", headers=operator).data
        assert state["override"]["reason"] == "a test of the console"
        browser.button("End override")
        browser.insist("End override")
        browser.gone("[data-override]")
        for view in ("environments", "queues", "traffic", "stores", "regions"):
            browser.view(view)
            browser.gone(".skeleton")
            browser.gone(".problem")
        browser.button("Look at it")
        browser.until(lambda: browser.one("[name=region]").get_attribute("value") == REGIONS[1], "looked at")
        assert browser.complaints(*UNANSWERED) == []


def ready(browser: Browser) -> list[str]:
    """The regions that are."""
    rows = table(browser, "regions", "Regions")
    return [row["Region"].split()[0] for row in rows if row["Health"] == "ready"]
