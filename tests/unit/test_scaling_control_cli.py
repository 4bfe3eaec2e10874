"""``./arena scaling show|evaluate|override|log`` against an API that answers by heart, and against wrong usage."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from infra.cli.scaling import command

GOOD = "good"
MOVE = {"outcome": "moved", "before": 3, "after": 6, "reason": "3 -> 6"}
HELD = {"id": "b", "at": 1795435215.0, "action": "hold", "current": 6, "desired": 6, "reason": "stays at 6: calm"}
OUT = {"id": "a", "at": 1795435200.0, "action": "out", "current": 3, "desired": 6, "reason": "3 -> 6: cpu 90 > 70"}
STATE = {
    "policy": "guide",
    "limits": {"min": 3, "max": 20},
    "override": {"desired": 9, "until": 1795438800.0, "by": "ops@arena.test", "reason": "a tournament"},
    "decisions": [
        {**HELD, "override": None, "move": None, "line": "newest"},
        {**OUT, "override": None, "move": MOVE, "line": "oldest"},
    ],
}
EVALUATION = {
    "policy": "guide",
    "action": "out",
    "current": 3,
    "desired": 6,
    "reason": "3 -> 6: cpu 90 > 70",
    "outcomes": [{"rule": "cpu", "metric": "cpu_usage", "value": 90.0, "wish": "out", "desired": 6, "reason": "busy"}],
    "clamps": [],
    "inputs": {
        "requested": 3,
        "ready": 3,
        "metrics": {"cpu_usage": {"value": 90.0, "evidence": "3 reported"}, "in_use": {"missing": "nobody knows"}},
        "ceilings": [{"name": "mongo_connections", "capacity": 12, "reason": "60 / 5"}],
    },
    "move": {**MOVE, "outcome": "would_move"},
}


class Api(BaseHTTPRequestHandler):
    """Answers by path, and keeps what it was asked."""

    asked: ClassVar[list[tuple[str, str, str | None, Any]]] = []

    def do_GET(self) -> None:
        self._answer(STATE)

    def do_POST(self) -> None:
        self._answer(EVALUATION if self.path.endswith("evaluate") else STATE["override"])

    def do_DELETE(self) -> None:
        self._answer(None)

    def _answer(self, data: Any) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.asked.append((self.command, self.path, self.headers["Authorization"], body))
        refused = "Bearer bad" in self.headers["Authorization"]
        self.send_response(401 if refused else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"ok": False, "error": {"code": "no"}} if refused else {"data": data}).encode())

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def api() -> Iterator[str]:
    Api.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def scaling(*arguments: str, api: str = "", token: str = GOOD) -> Result:
    elsewhere = ["--api", api, "--token", token] if api else []
    return CliRunner().invoke(command, [*arguments, *elsewhere])


def test_show_names_bounds_override_and_what_came_of_each_decision(api: str) -> None:
    shown = scaling("show", "--limit", "2", api=api).output
    assert "policy guide, 3 to 20 environments" in shown
    assert "override: 9 until 2026-11-23 13:00:00Z by ops@arena.test: a tournament" in shown
    assert "3 -> 6: cpu 90 > 70 [moved]" in shown
    assert "stays at 6: calm [not carried out]" in shown
    assert Api.asked == [("GET", "/api/ops/scaling?limit=2", "Bearer good", None)]


def test_show_moves_leaves_out_who_held(api: str) -> None:
    shown = scaling("show", "--moves", "--json", api=api).output
    assert [one["action"] for one in json.loads(shown)[api]["decisions"]] == ["out"]


def test_evaluate_shows_every_input_and_outcome(api: str) -> None:
    shown = scaling("evaluate", "--dry-run", api=api).output
    for words in ("cpu_usage = 90 (3 reported)", "in_use: nobody knows", "at most 12, mongo_connections: 60 / 5"):
        assert words in shown
    assert "cpu out: busy" in shown
    assert "[would_move: 3 -> 6]" in shown


def test_override_and_its_end(api: str) -> None:
    done = scaling("override", "--desired", "9", "--minutes", "30", "--reason", "a tournament", api=api)
    assert "override: 9 until" in done.output
    assert scaling("override", "--clear", api=api).output.endswith("no override\n")
    body = {"desired": 9, "minutes": 30, "reason": "a tournament"}
    assert [(method, sent) for method, _, _, sent in Api.asked] == [("POST", body), ("DELETE", None)]


def test_log_is_oldest_first(api: str) -> None:
    assert scaling("log", api=api).output == "oldest\nnewest\n"


def test_a_refusal_is_said_in_the_apis_words_without_the_token(api: str) -> None:
    done = scaling("show", api=api, token="bad-secret")
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert 'answered 401: {"ok": false' in done.output
    assert "bad-secret" not in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate"], "--dry-run"),
        (["override"], "give --desired with a --reason, or --clear"),
        (["override", "--desired", "3", "--clear"], "give --desired with a --reason, or --clear"),
        (["override", "--desired", "3"], "--desired needs a --reason"),
        (["override", "--desired", "0", "--reason", "x"], "--desired"),
        (["override", "--desired", "3", "--reason", "x", "--minutes", "1441"], "--minutes"),
        (["show", "--limit", "101"], "--limit"),
        (["show", "--api", "http://127.0.0.1:1"], "--api needs --token"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    done = scaling(*arguments)
    assert done.exit_code == 2
    assert words in done.output


@pytest.mark.parametrize("api", ["http://127.0.0.1:1", "nothing://x", "no address"])
def test_an_api_that_is_none(api: str) -> None:
    done = scaling("show", api=api)
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert "Error: GET" in done.output
