"""A client of the arena: sends a request until it is answered for good, to whichever region answers."""

import http.client
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from infra.chaos.history import ACCEPTED, ASKED, DONE, OPEN, REFUSED, Attempt, Log
from infra.cli.battle import signed_init_data

TIMEOUT_SECONDS: Final = 7.0
PAUSE_SECONDS: Final = (0.3, 1.2)
"""Before another attempt, at least and at most."""
POLL_SECONDS: Final = 0.7
_AGAIN: Final = frozenset({"rate_limited", "in_progress", "not_home"})
"""What is no refusal by the game's rules. ``not_home``: queued where another region has taken over since."""
_SERVED_BY: Final = "X-Arena-Served-By"
_KEPT: Final = (
    *("_id", "score", "rewardAiba", "rewardNeur", "guildShareNeur", "seedHex", "brokerId", "createdAt"),
    *("neurBalance", "aibaBalance", "status", "home"),
)
"""Of answers, what is noted."""
_PATHS: Final[Mapping[str, str]] = {
    "battle": "/api/battle/run",
    "queued": "/api/battle/queue",
    "starter": "/api/brokers/starter",
    "train": "/api/brokers/train",
    "repair": "/api/brokers/repair",
    "upgrade": "/api/brokers/upgrade",
    "combine": "/api/brokers/combine",
    "create-guild": "/api/guilds/create",
    "join": "/api/guilds/join",
    "leave": "/api/guilds/leave",
    "deposit": "/api/guilds/deposit-broker",
    "withdraw": "/api/guilds/withdraw-broker",
    "move": "/api/home",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to; ``status`` 0 = no answer."""

    status: int
    body: Mapping[str, Any]
    served: str = ""
    """The region that decided, where it is not the one that was asked."""

    @property
    def code(self) -> str:
        error = self.body.get("error")
        return str(error["code"]) if isinstance(error, Mapping) and "code" in error else ""

    @property
    def data(self) -> Mapping[str, Any]:
        """The answer's own content, wherever the route puts it."""
        found = self.body.get("data", self.body)
        return found if isinstance(found, Mapping) else {}

    @property
    def outcome(self) -> str:
        """What it makes of an operation; only what the game's rules say is a refusal."""
        if self.status in (200, 201):
            return DONE
        final = 400 <= self.status < 500 and self.code and self.code not in _AGAIN
        return REFUSED if final else OPEN


class Client:
    """One player's. ``apis``: the regions' addresses. ``ended`` is asked before every attempt."""

    def __init__(
        self,
        telegram_id: int,
        apis: Mapping[str, str],
        bot_token: str,
        log: Log,
        ended: Callable[[], bool],
        draw: random.Random,
    ) -> None:
        self.player = str(telegram_id)
        self._telegram_id = telegram_id
        self._apis = apis
        self._bot_token = bot_token
        self._log = log
        self._ended = ended
        self._draw = draw

    def do(
        self, request_id: str, kind: str, region: str, arguments: Mapping[str, Any], *, stay: bool = False
    ) -> Answer:
        """Asks until there is an answer for good, or until ``ended``; the last answer.

        After an attempt without one it turns to another region now and then, unless it is to ``stay``.
        """
        where = region
        answer = Answer(0, {})
        while not self._ended():
            answer = self._attempt(request_id, kind, where, arguments)
            if kind == "queued" and (answer.status == ACCEPTED or answer.data.get("status") == "done"):
                answer = self._await_result(request_id, where)
            if answer.outcome != OPEN:
                break
            time.sleep(self._draw.uniform(*PAUSE_SECONDS))
            if not stay and self._draw.random() < 0.3:
                where = self._draw.choice(list(self._apis))
        return answer

    def _attempt(self, request_id: str, kind: str, region: str, arguments: Mapping[str, Any]) -> Answer:
        asked = {"id": request_id, "player": self.player, "kind": kind, "region": region, "arguments": arguments}
        self._log.write(ASKED, **asked)
        began = time.monotonic()
        answer = self.call("POST", region, _PATHS[kind], {"requestId": request_id, **arguments})
        # Of a queued battle a first answer only says that it is taken.
        outcome = OPEN if kind == "queued" and answer.outcome == DONE else answer.outcome
        self._note(request_id, region, began, answer, outcome)
        return answer

    def _await_result(self, request_id: str, region: str) -> Answer:
        began = time.monotonic()
        while not self._ended():
            time.sleep(POLL_SECONDS)
            answer = self.call("GET", region, f"/api/battle/{request_id}")
            status = answer.data.get("status")
            if answer.status == 200 and status != "queued":
                battle = answer.data.get("battle")
                told = Answer(200, {"data": battle}) if battle else Answer(403, answer.data)
                if status == "failed":
                    told = Answer(0, {})
                self._note(request_id, region, began, told, told.outcome)
                return told
            region = region if answer.status == 200 else self._draw.choice(list(self._apis))
        return Answer(0, {})

    def _note(self, request_id: str, region: str, began: float, answer: Answer, outcome: str) -> None:
        kept = {name: answer.data[name] for name in _KEPT if name in answer.data}
        served = answer.served or region
        attempt = Attempt(self._log.now(), time.monotonic() - began, answer.status, region, answer.code, served)
        self._log.answered(request_id, attempt, outcome, kept)

    def call(self, method: str, region: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """One request, in the player's name."""
        parts = urlsplit(self._apis[region])
        headers = {
            "X-Telegram-Init-Data": signed_init_data(self._bot_token, self._telegram_id),
            "X-Forwarded-For": f"198.18.{self._telegram_id // 250 % 250}.{self._telegram_id % 250}",
            "Content-Type": "application/json",
        }
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, parts.path + path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            served = answer.getheader(_SERVED_BY, "")
            return Answer(answer.status, found if isinstance(found, Mapping) else {}, served)
        except (OSError, http.client.HTTPException, ValueError):
            return Answer(0, {})
        finally:
            connection.close()
