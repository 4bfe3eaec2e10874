"""Regions on paper: every answer the console asks for, in the API's shapes, in the test's hand."""

import json
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from chalicelib.entrypoints import console, static_files, wire
from chalicelib.entrypoints.routing import Call
from tests.browser import figures
from tests.browser.figures import REGIONS, now
from tests.gateway import Answer

TOKEN: Final = ".".join(("paper", b64encode(b'{"sub":"ops@arena.test"}').decode().rstrip("="), "unsigned"))
PASSWORD: Final = "correct horse"
Told = Callable[[Mapping[str, Any]], Any]
"""The body sent → the data answered."""


class Refused(Exception):
    """An answer that is none: status, code, message, headers."""

    def __init__(self, status: int, code: str, message: str = "", **headers: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message or code, headers


class Paper:
    """The APIs of one region. ``told`` holds what each route answers; ``asked`` what was asked."""

    def __init__(self, name: str = REGIONS[0], urls: Mapping[str, str | None] | None = None) -> None:
        self.name = name
        self.urls = dict(urls or {})
        self.operators = "configured"
        self.token = TOKEN
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.lock = threading.Lock()
        self.override: dict[str, Any] | None = None
        self.told: dict[str, Told] = {**every_answer(self), **every_change(self)}

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        cors = {
            "access-control-allow-origin": headers.get("origin", "*"),
            "access-control-allow-headers": "authorization, content-type",
            "access-control-allow-methods": "GET, POST, DELETE",
            "access-control-expose-headers": "X-Request-Id, Retry-After",
        }
        if method == "OPTIONS":
            return Answer(204, cors, "")
        bare = path.split("?")[0]
        if bare.startswith("/console"):
            return self._page(bare, headers)
        asked = f"{method} {bare}"
        sent = json.loads(body) if body else {}
        with self.lock:
            self.asked.append((f"{method} {path}", sent))
        typed = {**cors, "content-type": "application/json", "x-request-id": f"paper-{len(self.asked)}"}
        envelope: dict[str, Any] = {"requestId": typed["x-request-id"]}
        try:
            if bare.startswith("/api/ops") and headers.get("authorization") != f"Bearer {self.token}":
                raise Refused(401, "admin auth expired" if "authorization" in headers else "admin auth required")
            data = self.told[asked](sent)
        except Refused as refused:
            error = {"code": refused.code, "message": refused.message}
            text = json.dumps({"ok": False, "error": error, **envelope})
            return Answer(refused.status, {**typed, **refused.headers}, text)
        return Answer(200, typed, wire.dumps({"ok": True, "data": data, **envelope}))

    def _page(self, path: str, headers: Mapping[str, str]) -> Answer:
        asset = path.removeprefix("/console").removeprefix("/")
        call = Call("page", headers, None, {}, {}, {}, {"asset": asset}, None)
        if asset:
            reply = console.console_asset(call)
        else:
            origins = {url.partition("/stage")[0] for url in self.urls.values() if url}
            policy = console.content_security_policy(origins)
            reply = static_files.page_reply(call, console.page(self.operators), policy)
        return Answer(reply.status, reply.headers, reply.body)

    def count(self, route: str) -> int:
        """How often it was asked for."""
        with self.lock:
            return sum(asked.startswith(route) for asked, _ in self.asked)

    def refuse(self, route: str, status: int, code: str, message: str = "", **headers: str) -> None:
        def refusing(_: Mapping[str, Any]) -> Any:
            raise Refused(status, code, message, **headers)

        self.told[route] = refusing

    def busy(self, route: str, times: int) -> None:
        """It has no time so often, and then does what it did before."""
        told, left = self.told[route], iter(range(times))

        def refusing(sent: Mapping[str, Any]) -> Any:
            if next(left, None) is not None:
                raise Refused(503, "database_unavailable", **{"Retry-After": "1"})
            return told(sent)

        self.told[route] = refusing

    def say(self, route: str, data: Any) -> None:
        self.told[route] = lambda _: data


def every_answer(paper: Paper) -> dict[str, Told]:
    """What is asked for again and again."""
    return {
        "GET /health/ready": lambda _: {
            "ready": True,
            "dependencies": {"mongodb": "up", "redis": "up"},
            "environment": {"region": paper.name, "functionVersion": "7", "initializationType": "local"},
        },
        "GET /api/ops/regions": lambda _: {"region": paper.name, "regions": figures.regions(paper.name, paper.urls)},
        "GET /api/ops/replication": lambda _: figures.replication(paper.name),
        "GET /api/ops/history": lambda _: {"region": paper.name, "points": figures.history(now())},
        "GET /api/ops/instances": lambda _: figures.instances(paper.name),
        "GET /api/ops/scaling": lambda _: {
            "policy": "guide",
            "limits": {"min": 3, "max": 20},
            "override": paper.override,
            "decisions": figures.decisions(now().timestamp()),
        },
        "GET /api/ops/queues": lambda _: figures.queues(paper.name),
        "GET /api/ops/dead-letters": lambda _: {"queue": "battles", "letters": figures.letters(), "more": False},
        "GET /api/ops/cache": lambda _: figures.cache(paper.name),
        "GET /api/ops/database": lambda _: figures.database(paper.name),
    }


def every_change(paper: Paper) -> dict[str, Told]:
    """What operators do."""

    def sign_in(sent: Mapping[str, Any]) -> Any:
        if sent["password"] != PASSWORD:
            raise Refused(401, "invalid credentials")
        assert sent["minutes"] == 60
        return {"token": paper.token, "tokenType": "Bearer", "role": "superadmin", "expiresAt": now()}

    def override(sent: Mapping[str, Any]) -> Any:
        if sent["desired"] > 18:
            raise Refused(409, "outside_bounds", f"desired: {sent['desired']}; allowed here: 3 to 18")
        until = now().timestamp() + 60 * sent["minutes"]
        paper.override = {"desired": sent["desired"], "until": until, "by": "ops@arena.test", "reason": sent["reason"]}
        return paper.override

    def end(_: Mapping[str, Any]) -> Any:
        paper.override = None

    def replay(sent: Mapping[str, Any]) -> Any:
        chosen = [one for one in figures.letters() if one["messageId"] in sent.get("messageIds", [one["messageId"]])]
        fates = [
            {"messageId": one["messageId"], "fate": "refused", "why": "the battle was fought meanwhile"}
            if number == 2
            else {"messageId": one["messageId"], "fate": "replay" if sent["dryRun"] else "sent", "why": ""}
            for number, one in enumerate(chosen)
        ]
        return {"queue": sent["queue"], "dryRun": sent["dryRun"], "results": fates}

    def failover(sent: Mapping[str, Any]) -> Any:
        of = sent.get("from") or sent["return"]
        serving = sent.get("to") or ("eu-west-1" if "from" in sent else of)
        steps = [
            f"catch up: {serving} gets every event that it lacks",
            f"fence: nobody serves the players of {of} (epoch 1), once what was begun has ended",
            f"drain: {serving} gets what came meanwhile",
            f"serve: {serving} serves the players of {of} (epoch 2)",
        ]
        done = not sent["dryRun"]
        told = {"of": of, "serving": serving, "epoch": 2 if done else 1, "steps": steps, "reachable": list(REGIONS)}
        ended = {"drained": {of: 3} if done else {}, "unservedSeconds": 0.31 if done else None}
        return {**told, **ended, "state": "done" if done else "planned", "unreachable": [], "early": 0, "tooOld": 0}

    return {
        "POST /api/admin/auth/login": sign_in,
        "POST /api/ops/scaling/evaluate": lambda _: figures.evaluation(),
        "POST /api/ops/scaling/override": override,
        "DELETE /api/ops/scaling/override": end,
        "POST /api/ops/cache/warm": lambda _: {"cache": "ok", "loaded": 31, "kept": 12, "failed": [], "left": []},
        "POST /api/ops/dead-letters/replay": replay,
        "POST /api/ops/failover": failover,
    }
