"""``./arena battle --queued`` has patience with a busy arena, and ends with its words when that is used up.

So has the battle that proves a local cloud which has just come up.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import click
import pytest

from chalicelib.arena.engine import simulate_battle
from infra.cli.battle import PATIENCE_SECONDS_MAX, QUEUE_ATTEMPTS, QUEUE_SECONDS_MAX, BattleReport, Waiting, fight
from localcloud.ports import free_ports

BROKER = {"_id": "5f0c2a115f0c2a115f0c2a11", "intelligence": 50, "speed": 50, "risk": 50}
SEED = "00000007"
BATTLE = {
    "seedHex": SEED,
    "modeKey": "prediction",
    "arena": "prediction",
    "league": "rookie",
    "score": simulate_battle(BROKER, int(SEED, 16), "prediction", "rookie", None),
}
STATUS_URL = "/api/battle/7"
QUEUED = {"status": "queued", "statusUrl": STATUS_URL}
DONE = {**QUEUED, "status": "done", "battle": BATTLE}
Refusal = tuple[int, str, dict[str, str]]
Told = Refusal | dict[str, Any] | list[Any] | None
BUSY: Refusal = (503, "database_unavailable", {"Retry-After": "2"})
GATEWAY: Refusal = (504, "timed out", {})
REST: dict[str, Told] = {
    "/api/brokers/starter": BROKER,
    "/api/game-modes": [],
    "/health/ready": {"environment": {"initializationType": "on-demand"}},
}


class Api(ThreadingHTTPServer):
    """Answers what it is told to, the last of it for ever; what was queued under which id is kept."""

    def __init__(self, queue: list[Told], status: list[Told]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.told = {"/api/battle/queue": queue, STATUS_URL: status}
        self.asked: list[str] = []
        self.ids: list[str] = []

    def answer(self, path: str) -> Told:
        left = self.told.get(path, [REST.get(path)])
        return left.pop(0) if len(left) > 1 else left[0]


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        self.server.asked.append(self.path)
        self.server.ids += [body["requestId"]] if "requestId" in body else []
        found = self.server.answer(self.path)
        status, code, headers = found if isinstance(found, tuple) else (200, "", {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps({"error": {"code": code}} if code else {"data": found}).encode())

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def api(queue: list[Told], status: list[Told]) -> Iterator[Api]:
    with Api(queue, status) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Patience:
    """Time that passes by pauses alone."""

    seconds: float = 0.0
    words: list[str] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.seconds += seconds

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.words.append, lambda: self.seconds, self.pause)

    def fight(self, server: Api) -> BattleReport:
        return fight(f"http://127.0.0.1:{server.server_port}", "1:token", queued=self.waiting)

    def fight_at_once(self, port: int) -> BattleReport:
        return fight(f"http://127.0.0.1:{port}", "1:token", patient=self.waiting)

    @property
    def busy(self) -> list[str]:
        return [line for line in self.words if line.startswith("the arena is busy")]


def test_a_status_the_arena_has_no_time_for_is_asked_for_again() -> None:
    """After as long as it says."""
    patience = Patience()
    with api([QUEUED], [BUSY, GATEWAY, QUEUED, DONE]) as server:
        assert patience.fight(server).agrees
    assert server.asked.count(STATUS_URL) == 4
    first, second = patience.busy
    assert "asked again after 2 s" in first
    assert "answered 503" in first
    assert "database_unavailable" in first
    assert "asked again after 1 s" in second
    assert 3 < patience.seconds < 5


def test_an_arena_that_stays_busy_is_left_with_its_words() -> None:
    patience = Patience()
    with api([QUEUED], [BUSY]) as server, pytest.raises(click.ClickException) as ended:
        patience.fight(server)
    assert ended.value.message.startswith("the arena is still busy (GET ")
    assert "database_unavailable" in ended.value.message
    assert ended.value.message.endswith(f" after {QUEUE_SECONDS_MAX} s; ask again: GET {STATUS_URL}")
    assert QUEUE_SECONDS_MAX < patience.seconds < QUEUE_SECONDS_MAX + 5


def test_a_battle_that_stays_queued_is_left_so() -> None:
    """However busy the arena was before."""
    patience = Patience()
    with api([QUEUED], [BUSY, QUEUED]) as server, pytest.raises(click.ClickException) as ended:
        patience.fight(server)
    assert ended.value.message == f"still queued after {QUEUE_SECONDS_MAX} s; ask again: GET {STATUS_URL}"


def test_a_status_that_is_refused_otherwise_ends_it() -> None:
    patience = Patience()
    with api([QUEUED], [(404, "not_found", {}), DONE]) as server, pytest.raises(click.ClickException) as ended:
        patience.fight(server)
    assert "answered 404" in ended.value.message
    assert server.asked.count(STATUS_URL) == 1


def test_a_battle_is_queued_once_however_often_it_is_asked_for() -> None:
    patience = Patience()
    with api([BUSY, BUSY, QUEUED], [DONE]) as server:
        assert patience.fight(server).agrees
    assert len(server.ids) == 3
    assert len(set(server.ids)) == 1
    assert len(patience.busy) == 2


@pytest.mark.parametrize(("answer", "attempts"), [(BUSY, QUEUE_ATTEMPTS), (GATEWAY, 1), ((409, "no_energy", {}), 1)])
def test_what_is_not_to_be_queued_ends_with_its_words(answer: Refusal, attempts: int) -> None:
    """A few times, and only where the API itself says when to ask again."""
    patience = Patience()
    with api([answer], [DONE]) as server, pytest.raises(click.ClickException) as ended:
        patience.fight(server)
    assert f"answered {answer[0]}" in ended.value.message
    assert len(server.ids) == attempts


def test_any_call_of_a_patient_battle_is_made_again_while_the_arena_is_busy() -> None:
    """It is one battle all the same."""
    patience = Patience()
    with api([], []) as server:
        server.told |= {"/api/brokers/starter": [BUSY, BROKER], "/api/battle/run": [GATEWAY, BUSY, BATTLE]}
        server.told["/health/ready"] = [BUSY, REST["/health/ready"]]
        assert patience.fight_at_once(server.server_port).agrees
    assert len(server.ids) == 3
    assert len(set(server.ids)) == 1
    assert len(patience.busy) == 4


def test_a_patient_battle_ends_where_it_is_refused() -> None:
    patience = Patience()
    with api([], []) as server:
        server.told["/api/battle/run"] = [BUSY, (409, "no_energy", {})]
        with pytest.raises(click.ClickException, match="answered 409"):
            patience.fight_at_once(server.server_port)
    assert len(server.ids) == 2


def test_patience_with_an_arena_that_is_not_there_ends() -> None:
    patience = Patience()
    (nobody,) = free_ports(1)
    with pytest.raises(click.ClickException, match="did not answer"):
        patience.fight_at_once(nobody)
    assert PATIENCE_SECONDS_MAX < patience.seconds < PATIENCE_SECONDS_MAX + 5
