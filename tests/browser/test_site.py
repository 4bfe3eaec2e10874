"""The documentation as a site: built without a warning, read from files, without a network, on any screen."""

import re
import subprocess
from pathlib import Path

import pytest

from localcloud.environments import environments
from tests.browser.browser import PHONE, Browser

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
ELSEWHERE = "404.html"
"""Served by a server under any address, so its links are to a server's root."""

WIDE = ("readme.html", "architecture.html", "guide-conformance.html", "monitoring.html", "scaling.html", "console.html")
"""Pages with pictures, drawings, long lines and tables of many columns."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as ``make docs`` does; a warning is an error (``strict``)."""
    environment = environments(ROOT)["docs"]
    assert environment.python.exists(), "build it: python3 localstack/bootstrap.py --only docs"
    target = tmp_path_factory.mktemp("site")
    command = [str(environment.python), "-m", "properdocs", "build", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def pages(site: Path) -> list[Path]:
    return [page for page in sorted(site.rglob("*.html")) if page.name != ELSEWHERE]


def test_every_page_of_the_documentation_is_in_it(site: Path) -> None:
    wanted = {path.relative_to(DOCS).with_suffix(".html").as_posix() for path in DOCS.rglob("*.md")}
    there = {path.relative_to(site).as_posix() for path in pages(site)}
    assert wanted | {"readme.html", "contributing.html", "changelog.html"} <= there


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loads = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=["']((?:https?:)?//[^"']+)""")
    for page in site.rglob("*.html"):
        assert loads.findall(page.read_text(encoding="utf-8")) == [], page.name
    for sheet in site.rglob("*.css"):
        assert re.findall(r"url\([\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")) == [], sheet.name


def test_every_mermaid_block_is_drawn(site: Path) -> None:
    for path in DOCS.rglob("*.md"):
        blocks = path.read_text(encoding="utf-8").count("```mermaid\n")
        page = site / path.relative_to(DOCS).with_suffix(".html")
        assert len(re.findall(r'<figure class="mermaid"><svg', page.read_text(encoding="utf-8"))) == blocks, path.name


def test_the_search_works_from_files(site: Path, browser: Browser) -> None:
    browser.open((site / "search.html").as_uri() + "?q=spillover")
    browser.shows("Requests spill over", "#properdocs-search-results")
    browser.fill("#properdocs-search-query", "striped day counters")
    browser.shows("Day counters are striped", "#properdocs-search-results")
    browser.click("#properdocs-search-results a")
    browser.shows("striped", "h1")


def test_markup_that_is_searched_for_is_shown_as_text(site: Path, browser: Browser) -> None:
    browser.open((site / "search.html").as_uri() + "?q=%3Cimg+src%3Dx%3E")
    browser.shows("Nothing found", "#properdocs-search-results")


@pytest.mark.parametrize("name", WIDE)
def test_what_is_wide_scrolls_by_itself_on_a_phone(site: Path, browser: Browser, name: str) -> None:
    browser.size(*PHONE, phone=True)
    browser.open((site / name).as_uri())
    assert browser.script("return document.documentElement.scrollWidth") <= PHONE[0]
    missing = "return [...document.images].filter(one => !one.naturalWidth).map(one => one.src)"
    assert browser.script(missing) == []
