"""A real Chromium without a screen, driven by its own driver."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from localcloud.system_packages import program
from tests.waiting import looks

PATIENCE_SECONDS: Final = 60.0
_FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    # The page's times are the reader's: a zone that is not UTC shows the difference.
    "--lang=en",
)
ZONE: Final = "Asia/Tokyo"
PHONE: Final = (320, 640)
DESKTOP: Final = (1280, 900)


class Browser:
    """One window. Questions wait until they can be answered, ``PATIENCE_SECONDS`` at most."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def leave(self) -> None:
        """Nothing open or kept: what asks again every few seconds would ask the next test's arena."""
        # Its address may be another page's one day: servers of tests get their ports from the kernel.
        self.script("try { localStorage.clear(); sessionStorage.clear(); } catch { /* about:blank, a file */ }")
        self.driver.get("about:blank")

    def fresh(self) -> None:
        """Nothing open, kept or said; a wide and light page to come."""
        self.leave()
        self.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        self.size(*DESKTOP)
        self.dark(False)
        self.complaints()

    def open(self, address: str) -> None:
        # Another fragment of the same address alone would load nothing.
        self.driver.get("about:blank")
        self.driver.get(address)

    def view(self, name: str) -> None:
        """Goes to a view of the page by its address."""
        self.script("location.hash = arguments[0]", name)
        self.one(f"[data-view={name}] .panel")

    def later(self, seconds: float) -> None:
        """The page's clock moves on, so that nobody has to wait."""
        self.script(
            """
            const real = (window.realNow ??= Date.now.bind(Date));
            window.movedOn = (window.movedOn ?? 0) + 1000 * arguments[0];
            Date.now = () => real() + window.movedOn;
            """,
            seconds,
        )

    def halt(self) -> None:
        """From now on the page's clock moves by ``later`` alone: what takes the machine long takes the page no time.

        Nor does it lose its patience with an answer, which is the machine's to be long about.
        """
        self.script(
            """
            const halted = Date.now();
            window.realNow = () => halted;
            window.movedOn = 0;
            Date.now = window.realNow;
            AbortSignal.timeout = () => new AbortController().signal;
            """
        )

    def ticks(self, number: int = 2) -> None:
        """Waits while the page's clock, which looks about each second whatever time it shows, does so."""
        self.script("const mine = (window.ticks = { seen: 0 }); setInterval(() => (mine.seen += 1), 1000)")
        self.until(lambda: self.script("return window.ticks.seen") >= number, "ticks")

    def until_quiet(self, asked: Callable[[], int]) -> None:
        """Until nothing more is asked: what was asked before has arrived."""

        def nothing_new() -> bool:
            before = asked()
            self.ticks()
            return asked() == before

        self.until(nothing_new, "nothing more is asked")

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """The page's own size, whatever a window of this browser takes at least."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def dark(self, wanted: bool) -> None:
        feature = {"name": "prefers-color-scheme", "value": "dark" if wanted else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        found: WebElement = self.until(lambda: next(iter(self.all(selector)), None), f"{selector} is there")
        return found

    def gone(self, selector: str) -> None:
        self.until(lambda: not self.all(selector), f"{selector} is gone")

    def text(self, selector: str = "body") -> str:
        # In one piece: empty is an answer too.
        found: tuple[str] = self.until(lambda: (self.one(selector).text,), f"{selector} is read")
        return found[0]

    def shows(self, wanted: str, selector: str = "body") -> None:
        """Waits until the text is to be seen."""
        self.until(lambda: wanted in self.text(selector), f"{selector} shows {wanted!r}")

    def click(self, selector: str) -> None:
        self.until(lambda: self._clicked(self.one(selector)), f"{selector} may be clicked")

    def button(self, name: str, within: str = "body") -> None:
        """Clicks the button whose name begins so."""
        self.until(lambda: self._clicked(self._named(name, within)), f"a button {name!r} in {within}")

    def insist(self, *names: str) -> None:
        """Clicks the dialog's buttons in that order, and again while it says that it was not done, until it closes."""

        def done() -> bool:
            for name in names:
                self.button(name, "dialog")
            self.until(lambda: not self.all("dialog") or self.all("dialog .problem"), "the dialog is answered")
            if not self.all("dialog"):
                return True
            # Whoever reads it gives a busy arena as much time.
            self.ticks(1)
            return False

        self.until(done, f"a dialog is done with by {', '.join(names)}")

    def _clicked(self, found: WebElement | None) -> bool:
        """Whether it is there and was clicked; what the page draws anew under the pointer was not."""
        if found is None or not found.is_enabled():
            return False
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        found.click()
        return True

    def _named(self, name: str, within: str) -> WebElement | None:
        found = (one for one in self.all(f"{within} button") if one.text.startswith(name) and one.is_enabled())
        return next(found, None)

    def fill(self, selector: str, text: str) -> None:
        self.one(selector).clear()
        self.one(selector).send_keys(text)

    def choose(self, selector: str, value: str) -> None:
        """An option by its value: letters typed too far apart choose another."""

        def chosen() -> bool:
            Select(self.one(selector)).select_by_value(value)
            return True

        self.until(chosen, f"{selector} is {value}")

    def press(self, *keys: str) -> None:
        """Keys to whatever has the focus."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def tab_to(self, wanted: Callable[[WebElement], bool], *, most: int = 60) -> WebElement:
        """Presses Tab until the focus is where it is wanted."""
        for _ in range(most):
            self.press(Keys.TAB)
            focused = self.driver.switch_to.active_element
            if wanted(focused):
                return focused
        raise AssertionError("Tab does not lead there")

    def script(self, code: str, *arguments: Any) -> Any:
        return self.driver.execute_script(code, *arguments)

    def until(self, answer: Callable[[], Any], about: str) -> Any:
        """The first answer that is true. Fails with what the page showed instead."""
        for _ in looks(PATIENCE_SECONDS):
            # The page draws anew while it is looked at.
            with contextlib.suppress(StaleElementReferenceException):
                found = answer()
                if found:
                    return found
        shown = self.driver.find_element(By.TAG_NAME, "body").text
        raise AssertionError(f"not within {PATIENCE_SECONDS:.0f} s: {about}\n{shown}\n{self.complaints()}")

    def complaints(self, *allowed: str) -> list[str]:
        """What the browser's console says since last asked: errors, and violations of the page's policy."""
        logged = [f"{entry['level']} {entry['message']}" for entry in self._log()]
        return [line for line in logged if not any(word in line for word in allowed)]

    def _log(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return entries

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))


@contextlib.contextmanager
def opened() -> Iterator[Browser]:
    """A browser of its own, with nothing in it. Raises LocalCloudError naming the package that is missing."""
    binary, driver = program("chromium"), program("chromedriver")
    options = ChromeOptions()
    options.binary_location = str(binary)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(prefix="arena-browser-", ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        chrome = Chrome(options=options, service=ChromeService(str(driver)))
        try:
            chrome.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ZONE})
            browser = Browser(chrome)
            browser.size(*DESKTOP)
            yield browser
        finally:
            chrome.quit()
