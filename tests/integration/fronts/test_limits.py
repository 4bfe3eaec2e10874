"""Limits of one client's address: how many are admitted, of what, and what the others are told."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.arena.rate_limits import API, BATTLE, Limit
from infra.fronts.figures import BATTLE_ADMITTED, GENERAL_ADMITTED
from tests.integration.fronts.instances import Running
from tests.integration.fronts.test_answers import assert_guarded, assert_refused
from tests.integration.fronts.world import KINDS, Answer, Started, front_of, started

FIGHT = "/api/battle/run"
REFUSED = 5
MOST = 5_000
CONNECTIONS = 6
"""Of one client: fewer than the fronts allow it at once."""


@pytest.fixture(scope="module", params=KINDS)
def front(
    request: pytest.FixtureRequest, three: list[Running], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    # With static assets: a request for something that ends as one must not be taken for one.
    root = str(tmp_path_factory.mktemp("static"))
    with started(request.param, front_of(three, static_root=root)) as (one,):
        yield one


def admitted(front: Started, source: str, method: str, path: str) -> tuple[int, float, list[Answer]]:
    """How many requests were admitted until ``REFUSED`` were refused, in how many seconds, and the refusals.

    Over several connections: one alone may be slower on a busy machine than its limit lets in.
    """
    answers: list[Answer] = []

    def refused() -> list[Answer]:
        return [answer for answer in tuple(answers) if answer.status == 429]

    def ask() -> None:
        client = front.client(source)
        while len(refused()) < REFUSED:
            assert len(answers) < MOST, "not limited"
            answers.append(client.ask(path, method, {} if method == "POST" else None))
        client.close()

    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for asking in [pool.submit(ask) for _ in range(CONNECTIONS)]:
            asking.result()
    others = [answer for answer in answers if answer.status != 429]
    assert all("x-instance" in answer.headers for answer in others)
    return len(others), time.monotonic() - began, refused()


def assert_limited(front: Started, found: tuple[int, float, list[Answer]], limit: Limit, in_window: int) -> None:
    """Exactly the burst and what the rate has let in meanwhile, give or take the one at the boundary."""
    count, seconds, refused = found
    at_once = limit.quota if front.kind == "nginx" else in_window
    # HAProxy's windows slide: what it forgets while the test runs it admits again.
    refilled = limit.rate * seconds
    assert at_once <= count <= at_once + refilled + 1
    for answer in (refused[0], refused[-1]):
        assert_refused(answer, 429, "rate_limited")
        assert_guarded(answer)
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(("source", "path"), [("127.0.5.1", FIGHT), ("127.0.5.2", "/api/battle/x.js")])
def test_fights_are_limited_as_battles(front: Started, source: str, path: str) -> None:
    found = admitted(front, source, "POST", path)
    assert_limited(front, found, BATTLE, BATTLE_ADMITTED)


def test_all_else_is_limited_as_the_api(front: Started) -> None:
    found = admitted(front, "127.0.5.3", "GET", "/api/seen")
    assert_limited(front, found, API, GENERAL_ADMITTED)


def test_asking_about_battles_is_not_fighting(front: Started) -> None:
    client = front.client("127.0.5.4")
    assert 429 not in {client.ask("/api/battle/some-id").status for _ in range(BATTLE.quota + 10)}


def test_clients_are_limited_apart(front: Started) -> None:
    admitted(front, "127.0.5.5", "POST", FIGHT)
    assert front.client("127.0.5.6").ask(FIGHT, "POST", {}).status != 429


def test_health_is_not_limited(front: Started) -> None:
    client = front.client("127.0.5.7")
    assert {client.ask("/health").status for _ in range(100)} == {200}


def test_an_encoded_letter_does_not_escape_the_limit(front: Started) -> None:
    found = admitted(front, "127.0.5.8", "POST", "/api/%62attle/run")
    assert_limited(front, found, BATTLE, BATTLE_ADMITTED)
