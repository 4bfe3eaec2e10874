"""Operators see queues, cache and replication, and act on them. Not of the game's facts: the arena's own."""

import json
from typing import Any, Final

from chalicelib import wiring
from chalicelib.arena import battle_jobs
from tests.installed import Warm
from tests.integration.transcript.exchange import (
    BROKER,
    CALL_ID,
    ME,
    TEXT,
    TIME,
    Exchange,
    Like,
    Scene,
    broker,
    data,
    invalid,
    player,
    refusal,
    sent,
)
from tests.integration.transcript.operators import operate

REPLAY: Final = "POST /api/ops/dead-letters/replay"
QUEUED: Final = {"requestId": "q:1", "brokerId": BROKER}
EMPTY: Final = {"visible": 0, "inFlight": 0, "delayed": 0, "deadLetters": 0}
UNKNOWN: Final = dict.fromkeys(EMPTY)
NOT_HERE: Final = "the queue: not known here; its dead letters: not known here"
NO_ANSWER: Final = "the queue: queue_unavailable; its dead letters: queue_unavailable"
NOBODYS: Final = {"requestId": "gone", "telegramId": "777123456", "round": 1}
NO_JOB: Final = {
    **{"round": 1, "arena": None, "league": None, "modeKey": None, "acceptedAt": TIME, "correlationId": CALL_ID},
    "status": None,
}


def queue(name: str, counts: dict[str, Any], problem: str | None = None) -> dict[str, Any]:
    return {"name": name, **counts, "problem": problem}


def queues(counts: dict[str, Any], problem: str | None = None) -> dict[str, Any]:
    told = [
        *(queue("battles", counts, problem), queue("live", UNKNOWN, NOT_HERE), queue("outbox", UNKNOWN, NOT_HERE)),
        queue("replication", counts, problem),
    ]
    waiting = Like("lengths", lambda value: isinstance(value, list) and all(map(empty, value)))
    return data({"region": "us-east-1", "at": TIME, "queues": told, "waitingBattles": waiting})


def empty(row: dict[str, Any]) -> bool:
    return (row["queued"], row["oldestSeconds"]) == (0, None)


def down(scene: Scene) -> None:
    scene.messages.down = True


def failed(scene: Scene) -> None:
    """The queued battle was given up."""
    message = scene.messages.bodies[-1]
    told = battle_jobs.failed("busy", scene.now)
    scene.database.battlejobs.update_one({"requestId": "q:1"}, {"$set": told, "$unset": {"dueAt": ""}})
    scene.messages.dead = {"one": message}


def warm(_: Scene) -> None:
    vars(wiring.arena())["cache_warming"] = Warm()


def forgotten(scene: Scene) -> None:
    """One whose job is gone, and one that is none."""
    failed(scene)
    message = json.dumps({**json.loads(scene.messages.dead["one"]), **NOBODYS})
    scene.messages.dead = {"one": message, "two": "{"}


GIVEN_UP: Final = (player(neurBalance=10**6), broker(), sent("POST", "/api/battle/queue", QUEUED, ME, 202), failed)
FORGOTTEN: Final = (*GIVEN_UP, forgotten)


def letter(name: str, fate: str, why: Any, what: Any) -> dict[str, Any]:
    told = {"messageId": name, "reason": "unhandled: of player …", "attempts": 5, "diedAt": TIME}
    return {**told, "what": what, "fate": fate, "why": why}


def replayed(dry_run: bool, *results: tuple[str, str, Any]) -> dict[str, Any]:
    told = [{"messageId": name, "fate": fate, "why": why} for name, fate, why in results]
    return data({"queue": "battles", "dryRun": dry_run, "results": told})


def peer(name: str) -> dict[str, Any]:
    none = {"applied": 0, "duplicate": 0, "again": 0, "dead": 0}
    going = {"sent": 0, "setAside": 0, "failed": 0, "waiting": 0, "oldestSeconds": None}
    return {"region": name, **going, "received": none, "lag": {"p50Seconds": None, "p99Seconds": None, "events": 0}}


EXCHANGES: Final = (
    operate("ops: queues with nothing in them", "GET /api/ops/queues", 200, queues(EMPTY)),
    operate("ops: queues that do not answer", "GET /api/ops/queues", 200, queues(UNKNOWN, NO_ANSWER), given=(down,)),
    Exchange(
        about="ops: queues are closed to players",
        request="GET /api/ops/queues",
        status=401,
        answer=refusal("admin auth required"),
    ),
    operate("ops: no queue named", "GET /api/ops/dead-letters", 400, invalid(queue="required")),
    operate("ops: no such queue", "GET /api/ops/dead-letters?queue=mars", 400, invalid(queue="enum")),
    operate(
        "ops: dead letters name no player",
        "GET /api/ops/dead-letters?queue=battles&limit=1",
        200,
        data(
            {
                "queue": "battles",
                "letters": [
                    letter("one", "refused", TEXT, NO_JOB),
                ],
                "more": True,
            }
        ),
        given=FORGOTTEN,
    ),
    operate(
        "ops: dead letters of a queue that is not known here",
        "GET /api/ops/dead-letters?queue=live",
        404,
        refusal("queue_unknown", message=TEXT),
    ),
    operate(
        "ops: dead letters that can't be had",
        "GET /api/ops/dead-letters?queue=battles",
        503,
        refusal("queue_unavailable", message=TEXT),
        given=(down,),
    ),
    operate(
        "ops: what a replay would do",
        REPLAY,
        200,
        replayed(True, ("one", "replay", "it failed: queued anew as round 2")),
        body={"queue": "battles", "dryRun": True},
        given=GIVEN_UP,
    ),
    operate(
        "ops: a battle given up is queued anew",
        REPLAY,
        200,
        replayed(
            False,
            ("one", "sent", "it failed: queued anew as round 2"),
            ("other", "left out", "not found: it is gone, or in somebody's hands for a moment"),
        ),
        body={"queue": "battles", "messageIds": ["one", "other"]},
        given=GIVEN_UP,
    ),
    operate(
        "ops: what can't be replayed stays",
        REPLAY,
        200,
        replayed(False, ("one", "refused", TEXT), ("two", "refused", "illegible: not JSON")),
        body={"queue": "battles"},
        given=FORGOTTEN,
    ),
    operate(
        "ops: message ids that are no list",
        REPLAY,
        400,
        invalid(messageIds="array"),
        body={"queue": "battles", "messageIds": "one"},
    ),
    operate(
        "ops: message ids that are none",
        REPLAY,
        400,
        invalid(**{"messageIds.0": "pattern", "messageIds.2": "required"}),
        body={"queue": "battles", "messageIds": ["?", "one", None]},
    ),
    operate(
        "ops: the cache is warmed",
        "POST /api/ops/cache/warm",
        200,
        data({"cache": "ok", "loaded": 0, "kept": 7, "failed": [], "left": []}),
        given=(warm,),
    ),
    operate(
        "ops: no cache to warm",
        "POST /api/ops/cache/warm",
        503,
        refusal("cache_unavailable", message="no cache is configured"),
    ),
    operate(
        "ops: replication before anything happened",
        "GET /api/ops/replication",
        200,
        data(
            {
                **{"region": "us-east-1", "at": TIME, "replicating": True},
                "peers": [peer("eu-west-1"), peer("ap-southeast-1")],
                **{"differencesTotal": 0, "conflictsRecent": 0, "lastVerify": None},
            }
        ),
    ),
)
