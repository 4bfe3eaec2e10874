"""Connections and what was pushed to them; queued battles."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_jobs import new_job
from chalicelib.arena.battle_queue_ports import JobKey
from chalicelib.arena.ports import Document
from chalicelib.data.battle_jobs import MongoBattleJobs
from chalicelib.data.connections import MongoConnections
from tests.integration.explained.registry import covers
from tests.integration.explained.town import FAR, MAIN, Town, inhabits, moment, oid, player_id
from tests.worlds import NOON

CONNECTION = "connection-0004"


@inhabits("connections", 1500)
def _connection(number: int) -> Document:
    return {
        "_id": f"connection-{number:04d}",
        "telegramId": player_id(number // 2),
        "boards": ["all|", "league:rookie|"][: number % 3],
        "results": True,
        "endpoint": "http://127.0.0.1",
        "connectedAt": moment(number),
        "lastSeenAt": moment(number),
        "expiresAt": FAR,
    }


@inhabits("liveboards", 1000)
def _pushed(number: int) -> Document:
    return {"_id": f"realm:{number}|", "digest": "d", "pushedAt": NOON}


def wish(request_id: str, mode_key: str | None = None) -> BattleCommand:
    broker = str(oid("brokers", 30))
    return BattleCommand(telegram_id=MAIN, request_id=request_id, broker_id=broker, mode_key=mode_key)


@inhabits("battlejobs", 2000)
def _job(number: int) -> Document:
    mode = {"arena": ("prediction", "chess")[number % 2], "league": ("rookie", "pro")[number // 2 % 2]}
    job = {**new_job(wish(f"job-{number}"), mode, "c", moment(number)), "expiresAt": FAR}
    if number % 4:
        return {**job, "status": ("queued", "done", "refused", "failed")[number % 4], "dueAt": None}
    return {**job, "dueAt": moment(number)}


@covers(MongoConnections.add)
def _(town: Town, add: Callable[..., Any]) -> None:
    for name in (CONNECTION, "connection-new"):
        add({"_id": name, "telegramId": MAIN, "boards": [], "connectedAt": NOON, "expiresAt": FAR})


@covers(MongoConnections.seen)
def _(town: Town, seen: Callable[..., Any]) -> None:
    assert seen(CONNECTION, NOON, FAR)


@covers(MongoConnections.end)
def _(town: Town, end: Callable[..., Any]) -> None:
    end("connection-0700", NOON)


@covers(MongoConnections.want_results)
def _(town: Town, want_results: Callable[..., Any]) -> None:
    want_results(CONNECTION, False, NOON)


@covers(MongoConnections.subscribe)
def _(town: Town, subscribe: Callable[..., Any]) -> None:
    assert subscribe(CONNECTION, "realm:core|", NOON, most=5)


@covers(MongoConnections.unsubscribe)
def _(town: Town, unsubscribe: Callable[..., Any]) -> None:
    unsubscribe(CONNECTION, "all|", NOON)


@covers(MongoConnections.of_player)
def _(town: Town, of_player: Callable[..., Any]) -> None:
    assert of_player(player_id(1), NOON, 10)


@covers(MongoConnections.subscribers)
def _(town: Town, subscribers: Callable[..., Any]) -> None:
    assert len(subscribers("all|", NOON, after="", limit=50)) == 50
    assert subscribers("all|", NOON, after="connection-0700", limit=50)


@covers(MongoConnections.living, reads_on="connections are counted, on the index alone")
def _(town: Town, living: Callable[..., Any]) -> None:
    assert living(NOON) > 1000


@covers(MongoConnections.pushed)
def _(town: Town, pushed: Callable[..., Any]) -> None:
    assert pushed("realm:7|")


@covers(MongoConnections.remember_pushed)
def _(town: Town, remember_pushed: Callable[..., Any]) -> None:
    for feed in ("realm:7|", "all|"):
        remember_pushed(feed, "d", NOON)


@covers(MongoBattleJobs.intake)
def _(town: Town, intake: Callable[..., Any]) -> None:
    assert intake(wish("job-0"), "prediction", "rookie").job
    assert intake(wish("job-0", "mode-4"), "prediction", "rookie").mode


@covers(MongoBattleJobs.look)
def _(town: Town, look: Callable[..., Any]) -> None:
    assert look(MAIN, "job-5").job


@covers(MongoBattleJobs.add)
def _(town: Town, add: Callable[..., Any]) -> None:
    for request_id in ("job-0", "job-new"):
        add(new_job(wish(request_id), None, "c", NOON))


@covers(MongoBattleJobs.begin_round)
def _(town: Town, begin_round: Callable[..., Any]) -> None:
    assert begin_round(JobKey(MAIN, "job-2", 1), {"status": "queued"})


@covers(MongoBattleJobs.claim)
def _(town: Town, claim: Callable[..., Any]) -> None:
    assert claim(JobKey(MAIN, "job-4", 1), NOON, NOON)


@covers(MongoBattleJobs.finish)
def _(town: Town, finish: Callable[..., Any]) -> None:
    finish(JobKey(MAIN, "job-8", 1), {"status": "done"})
    finish(JobKey(MAIN, "job-12", 1), {"status": "refused"})


@covers(MongoBattleJobs.due)
def _(town: Town, due: Callable[..., Any]) -> None:
    assert len(due(NOON, 50)) == 50


@covers(MongoBattleJobs.postpone)
def _(town: Town, postpone: Callable[..., Any]) -> None:
    postpone({JobKey(MAIN, "job-16", 1): NOON, JobKey(MAIN, "job-20", 1): NOON})


@covers(MongoBattleJobs.queued, reads_on="the queued jobs are counted, on the index alone")
def _(town: Town, queued: Callable[..., Any]) -> None:
    assert len(queued()) >= 2
