"""What battles leave to be done."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.follow_up_service import FollowUpService
from chalicelib.arena.ports import Document
from chalicelib.data.follow_ups import MongoFollowUps, MongoFollowUpSnapshot
from tests.integration.explained.registry import covers
from tests.integration.explained.town import Town, inhabits, moment, oid, owner_of, player_id
from tests.worlds import NOON

WAITING = ["eu-west-1", "ap-southeast-1"]
"""Regions that wait: for a third of the events both, for a third the first, for a third nobody."""


@inhabits("outbox", 3000)
def _event(number: int) -> Document:
    event: Document = {
        "entity": "battle",
        "key": str(number),
        "requestId": f"battle-{number}",
        "payload": {
            "battle": {
                "_id": oid("battles", number),
                "ownerTelegramId": owner_of(number),
                "arena": "prediction",
                "league": "rookie",
            }
        },
        "occurredAt": moment(number),
        "pending": WAITING[: number % 3],
    }
    if number % 30 == 1:
        event["setAside"] = [{"region": WAITING[0], "fault": "too_large", "at": moment(number)}]
    if number < 300:
        share = {"kind": "creator_earnings", "referrerTelegramId": player_id(number), "aiba": 2, "neur": 1}
        strike = {"kind": "boss_damage", "bossId": oid("globalbosses", 0), "damage": 3}
        event |= {"followUps": [share, strike], "followUpsDueAt": moment(number)}
    return event


@covers(MongoFollowUpSnapshot.due)
def _(town: Town, due: Callable[..., Any]) -> None:
    assert len(due(NOON, 50).events) == 50


@covers(MongoFollowUps.new_id, silent="makes an id")
def _(town: Town, new_id: Callable[..., Any]) -> None:
    new_id()


@covers(MongoFollowUps.transact)
def _(town: Town, transact: Callable[..., Any]) -> None:
    follow_ups: MongoFollowUps = transact.__self__  # type: ignore[attr-defined]  # a bound method
    report = FollowUpService(follow_ups, town.world.clock).run()
    assert report.earnings
    assert report.strikes
