"""No personal data in the log: whatever players and operators send, whatever fails, whatever another region tells."""

import base64
import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

import app as composition
from chalicelib import wiring
from chalicelib.entrypoints.routing import Route
from chalicelib.replication.patrol import PatrolReport
from localcloud.websocket.events import Caller, connect_event, disconnect_event, message_event
from tests.http_arena import SCHEDULED
from tests.installed import Fixed, init_data
from tests.logged import Logged
from tests.logged_worlds import HERE, THERE, Regions, queued, signed
from tests.replicated import KEYRING
from tests.replicated import signed as envelope
from tests.unit.test_settings import SECRETS
from tests.worlds import NOON

USER = 7_312_345_678_901
WORD = "Zaphodiax"
"""A part of every name and text that is sent."""
EMAIL = f"{WORD}@personal.test"
ADDRESS = "203.0.113.77"
CONNECTION = "Zq9xConnectionId="
PERSONAL = (str(USER), WORD, ADDRESS, CONNECTION, "auth_date", "first_name", "hash=", SECRETS["TELEGRAM_BOT_TOKEN"])

MALFORMED_INIT_DATA = (f"user={USER}", f"hash=x&user=%7B%22id%22:{USER}%7D", WORD, f"{WORD}%00é", "x" * 9000 + WORD)
BODIES: tuple[Any, ...] = (
    {"requestId": "r", "brokerId": WORD, "name": WORD, "guildName": WORD, "email": EMAIL, "password": WORD},
    {"initData": init_data(USER, NOON), "arena": WORD * 20, "league": {"a": WORD}, "telegramId": USER},
    f'{{"name": "{WORD}',
    f"[{USER}, ",
    WORD.encode("utf-16"),
    {"events": [{"format": 1, "eventId": WORD, "payload": {"changes": [WORD]}}]},
)


def routes() -> list[Route]:
    return [route for room in composition.rooms for route in room.routes.declared]


def assert_nothing_personal(logged: Logged, *, lines: int) -> None:
    assert len(logged.lines) >= lines
    found = [one for one in PERSONAL if one in logged.text]
    assert found == [], [line for line in logged.text.splitlines() if found[0] in line][:3]


def headers() -> Iterator[dict[str, str]]:
    yield signed(USER, **{"x-forwarded-for": ADDRESS, "user-agent": WORD, "authorization": f"Bearer {WORD}"})
    for given in MALFORMED_INIT_DATA:
        yield {"x-telegram-init-data": given, "x-telegram-id": str(USER), "x-telegram-username": WORD}
    # Ids that are not fit to be one, with what nobody should put into them.
    yield {"x-request-id": f"é{WORD}", "x-arena-forwarded": WORD, "idempotency-key": WORD}


def test_no_request_and_no_refusal_leaves_anything_personal(regions: Regions, logged: Logged) -> None:
    """Every route, with every kind of sender and body."""
    sent, statuses = 0, set()
    senders = list(headers())
    for number, route in enumerate(routes()):
        url = route.path
        for name in ("telegramId", "id"):
            url = url.replace(f"{{{name}}}", str(USER))
        url = "/".join(WORD if part.startswith("{") else part for part in url.split("/"))
        for turn, body in enumerate(BODIES if route.method != "GET" else (None,) * 3):
            chosen = senders[0] if turn < 2 else senders[(number + turn) % len(senders)]
            query = f"?telegramId={USER}&requestId={WORD}&limit={WORD}" if turn % 2 else ""
            answer = regions.call(route.method, url + query, body, chosen, address=ADDRESS)
            statuses.add(answer.status)
            sent += 1
    assert {200, 400, 401, 404} <= statuses
    assert_nothing_personal(logged, lines=sent)


def test_battles_queues_and_other_regions_log_nothing_personal(regions: Regions, logged: Logged) -> None:
    assert queued(regions, USER, "r1", "i1").status == 202
    queued(regions, USER, "r2", "i2")
    taken = [body for body, _ in regions.taken(HERE, "battles")]
    illegible = [json.dumps({**json.loads(taken[0]), **wrong}) for wrong in ({"format": WORD}, {WORD: 1})]
    regions.deliver(HERE, "battles", *taken, WORD, *illegible)
    announcements = [body for body, _ in regions.taken(HERE, "live")]
    regions.deliver(HERE, "live", *announcements, WORD, json.dumps({"format": WORD}), json.dumps([WORD, USER]))
    regions.deliver(HERE, "outbox", json.dumps({"correlationId": f"{WORD}é"}), WORD)
    bodies = [body for body, _ in regions.taken(THERE, "replication")]
    regions.deliver(THERE, "replication", *bodies, *foreign())
    for body in foreign():
        regions.at(THERE)
        regions.call("POST", "/api/replication/receive", body)
    fates = {event["fate"] for line in logged.saying("events received") for event in line["events"]}
    assert fates == {"applied", "again", "dead"}
    assert (
        {"done", "refused", "dead"} >= {line["outcome"] for line in logged.saying("queued battle")} >= {"done", "dead"}
    )
    assert_nothing_personal(logged, lines=10)


def foreign() -> list[str]:
    """Events of another region that can't be applied, and what is none."""
    changes: list[list[Any]] = [
        [{"collection": "users", "key": str(USER), "set": {"username": WORD}, "entries": WORD, "base": {}}],
        [{"collection": WORD}],
        [{"collection": "brokers", "key": WORD, "set": {"energy": WORD}, "entries": {}, "base": {}}],
        [{"collection": "users", "key": str(USER), "set": {"x": {"$date": WORD}}, "entries": {}, "base": {}}],
        [WORD],
    ]
    sound = envelope([], KEYRING).wire()
    damaged = [{**sound, "op": WORD}, {**sound, "version": WORD}, {**sound, WORD: 1}, {**sound, "format": f"{USER}"}]
    known = [envelope(one, KEYRING, event_id=f"{place:024x}").wire() for place, one in enumerate(changes)]
    return [*(json.dumps(one) for one in (*known, *damaged)), WORD, json.dumps([USER])]


class Broken(wiring.Wiring):
    """An arena that can't be had: the driver says why, at length."""

    def __init__(self) -> None:
        super().__init__({})

    def arena(self) -> wiring.Arena:
        document = {"telegramId": str(USER), "username": WORD}
        try:
            raise ValueError(f"invalid literal for int(): {init_data(USER, NOON)} of {ADDRESS}")
        except ValueError as error:
            raise DuplicateKeyError(f"E11000 dup key: {document}", 11000, {"keyValue": document}) from error


def test_failures_say_what_and_where_and_nothing_personal(regions: Regions, logged: Logged) -> None:
    battle = json.dumps({"telegramId": str(USER), "requestId": WORD})
    regions.wiring = Broken()
    for route in routes():
        if not route.standalone:
            assert regions.call(route.method, route.path, BODIES[0], signed(USER), address=ADDRESS).status == 500
    assert regions.deliver(HERE, "battles", battle)["batchItemFailures"] == [{"itemIdentifier": "m0"}]
    regions.deliver(
        HERE, "live", json.dumps({"format": 1, "kind": "result", "telegramId": str(USER), "requestId": "r"})
    )
    for queue in ("outbox", "replication"):
        with pytest.raises(Exception, match=r"^DuplicateKeyError$"):
            regions.deliver(HERE, queue, battle)
    regions.at(HERE)
    for schedule in ("follow_ups", "leaderboards", "seasons", "battle_sweep", "metrics", "scaling", "outbox_sweep"):
        with pytest.raises(Exception, match=r"^DuplicateKeyError$"):
            composition.app.handler_map[schedule](SCHEDULED, None)
    speak()
    told = {line["exception"].splitlines()[0] for line in logged.lines if "exception" in line}
    assert told == {"DuplicateKeyError(11000)"}
    assert_nothing_personal(logged, lines=40)


def speak() -> None:
    """A player's connection begins, says things and ends."""
    for query in ({"initData": init_data(USER, NOON)}, {"initData": f"user={USER}"}, {}):
        said = {"X-Telegram-Id": str(USER), "User-Agent": WORD}
        caller = Caller(HERE, "ws.test", ADDRESS, said, query, CONNECTION)
        composition.app.handler_map["connect"](connect_event(caller), None)
    for text in (
        '{"action":"ping"}',
        WORD,
        json.dumps({"action": WORD, "channel": USER}),
        base64.b64encode(b"\0").decode(),
    ):
        composition.app.handler_map["message"](message_event(caller, text), None)
    composition.app.handler_map["disconnect"](disconnect_event(caller, 1000, WORD), None)


def test_connections_log_nothing_personal(regions: Regions, logged: Logged) -> None:
    regions.at(HERE)
    speak()
    assert len(logged.saying("websocket")) == 8
    assert_nothing_personal(logged, lines=8)


class Differing(wiring.Arena):
    """Differs from the others in a player."""

    @cached_property
    def verification(self) -> Any:
        return self

    @property
    def patrol(self) -> Any:
        return self

    def run(self, *_given: Any) -> PatrolReport:
        return PatrolReport(documents=5, differences=1, named=[f"users {USER}: username {WORD}"])


def test_regions_that_differ_name_nobody(regions: Regions, logged: Logged) -> None:
    here = regions.arenas[HERE]
    wiring.install(Fixed(Differing(here.settings, clock=here.clock)))
    composition.app.handler_map["replication_verify"](SCHEDULED, None)
    (line,) = logged.saying("regions differ; run ./arena replication verify")
    assert (line["differences"], line["documents"]) == (1, 5)
    assert_nothing_personal(logged, lines=1)
