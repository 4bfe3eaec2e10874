"""A browser for the session, regions on paper, and the app itself over a real database and a real cache."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.database import Database

import app as composition
from chalicelib.clock import ManualClock
from tests.browser.browser import Browser, opened
from tests.browser.figures import REGIONS
from tests.browser.paper import TOKEN, Paper
from tests.browser.serving import app_handler, served
from tests.gateway import Answer
from tests.installed import SEVERAL_REGIONS, QueueingArena, installed_arena

OWN_WORDS = "Failed to load resource"
"""The browser's, about any answer that is no success: a refusal that a test asks for is none of the page's errors."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with opened() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """As new; the test fails if the page made the browser complain."""
    chromium.fresh()
    yield chromium
    complaints = chromium.complaints(OWN_WORDS)
    chromium.leave()
    assert complaints == []


@dataclass(frozen=True)
class World:
    """Three regions on paper, each with an origin of its own."""

    papers: Mapping[str, Paper]

    @property
    def home(self) -> Paper:
        return self.papers[REGIONS[0]]

    @property
    def page(self) -> str:
        return f"{self.home.urls[REGIONS[0]]}/console"

    @property
    def signed_in(self) -> str:
        return f"{self.page}#token={TOKEN}"


@contextlib.contextmanager
def on_paper() -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        papers = {name: Paper(name) for name in REGIONS}
        urls = {name: stack.enter_context(served(paper.handle)).rstrip("/") for name, paper in papers.items()}
        for paper in papers.values():
            paper.urls = dict(urls)
        yield World(papers)


@pytest.fixture
def world() -> Iterator[World]:
    with on_paper() as world:
        yield world


@dataclass(frozen=True)
class Site:
    """The app itself at ``base``, and what it was asked."""

    base: str
    arena: QueueingArena
    clock: ManualClock
    asked: list[str] = field(default_factory=list)
    told: dict[str, Answer] = field(default_factory=dict)
    """The latest answer to each of what was asked."""

    def data(self, route: str) -> Any:
        """Of the latest answer to ``route``, e.g. ``GET /api/ops/queues``."""
        return self.told[route].data

    def count(self, route: str) -> int:
        return sum(one.startswith(route) for one in self.asked)


@contextlib.contextmanager
def site_of(mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock, **environ: str) -> Iterator[Site]:
    asked: list[str] = []
    told: dict[str, Answer] = {}
    with installed_arena(mongo_uri, database, clock, **environ) as arena:
        handle = app_handler(composition.app)

        def noted(method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
            asked.append(f"{method} {path}")
            told[f"{method} {path}"] = answer = handle(method, path, headers, body)
            return answer

        with served(noted) as base:
            yield Site(base, arena, clock, asked, told)


@pytest.fixture
def site(mongo_uri: str, database: Database[dict[str, Any]], valkey_url: str) -> Iterator[Site]:
    """The first of three regions, now."""
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0))
    with site_of(mongo_uri, database, clock, REDIS_URL=valkey_url, **SEVERAL_REGIONS) as site:
        yield site
