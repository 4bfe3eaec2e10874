"""Draws the pictures in the documentation anew: ``python -m tests.browser.pictures [DIRECTORY]``.

The console over regions on paper (``figures.py``), so that every panel has something to show.
"""

import sys
import time
from pathlib import Path
from typing import Final

from tests.browser.browser import DESKTOP, Browser, opened
from tests.browser.conftest import on_paper

DIRECTORY: Final = Path(__file__).resolve().parents[2] / "docs" / "images"
VIEWS: Final = ("regions", "environments", "scaling", "queues", "traffic", "stores", "actions")
KEPT: Final = {"regions-light": "console-light", "environments-dark": "console-dark", "scaling-phone": "console-phone"}
"""Those the documentation shows."""
PHONE: Final = (360, 740)
SETTLING_SECONDS: Final = 0.5


def draw(browser: Browser, view: str, size: tuple[int, int], path: Path, *, phone: bool) -> None:
    """A view, whole; on a phone what a phone shows."""
    browser.size(*size, phone=phone)
    browser.view(view)
    browser.gone(".skeleton")
    if not phone:
        browser.size(size[0], int(browser.script("return document.documentElement.scrollHeight")))
    time.sleep(SETTLING_SECONDS)
    browser.picture(path)


def main(directory: Path) -> None:
    every = directory != DIRECTORY
    with on_paper() as world, opened() as browser:
        browser.open(world.signed_in)
        browser.one(".world")
        for theme in ("light", "dark", "phone"):
            browser.dark(theme == "dark")
            for view in VIEWS:
                name = f"{view}-{theme}"
                if every or name in KEPT:
                    path = directory / f"{name if every else KEPT[name]}.png"
                    draw(browser, view, PHONE if theme == "phone" else DESKTOP, path, phone=theme == "phone")
                    print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DIRECTORY)
