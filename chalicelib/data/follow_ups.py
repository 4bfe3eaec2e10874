"""Settling follow-ups on MongoDB."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.arena.follow_up_ports import DueFollowUps, FollowUpSnapshot
from chalicelib.arena.follow_ups import BOSS_DAMAGE, CREATOR_EARNINGS, fault
from chalicelib.arena.ports import Document, Outcome
from chalicelib.data import follow_up_queries as queries
from chalicelib.data.store import MongoReads, MongoStore
from chalicelib.locks import Guard

T = TypeVar("T")


class MongoFollowUpSnapshot(MongoReads):
    """``FollowUpSnapshot`` inside one transaction."""

    def due(self, now: datetime, limit: int) -> DueFollowUps:
        events = self._read(queries.due(now, limit))
        sound = [event for event in events if fault(event) is None]
        paying = _pairs(sound, CREATOR_EARNINGS)
        referrers = {noted["referrerTelegramId"] for _, noted in paying}
        battles = {event["requestId"] for event, _ in paying}
        rows = self._read(queries.earnings(sorted(referrers), sorted(battles))) if paying else []
        striking = _pairs(sound, BOSS_DAMAGE)
        boss_ids = list({noted["bossId"] for _, noted in striking})
        battle_ids = [event["payload"]["battle"]["_id"] for event, _ in striking]
        damages = self._read(queries.damages(boss_ids, battle_ids)) if striking else []
        bosses = self._read(queries.bosses(boss_ids)) if striking else []
        for boss in bosses:
            self._saw("globalbosses", boss)
        return DueFollowUps(
            events=events,
            paid={(row["sourceId"], row["telegramId"], row["currency"]) for row in rows},
            struck={(damage["bossId"], damage["battleId"]) for damage in damages},
            bosses={boss["_id"]: boss for boss in bosses},
        )


class MongoFollowUps:
    """``FollowUpStore`` on the arena's store."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store

    def new_id(self) -> Any:
        return self._store.new_id()

    def transact(self, work: Callable[[FollowUpSnapshot], Outcome[T]], guard: Guard | None = None) -> T:
        return self._store.transact_on(MongoFollowUpSnapshot, work, guard)


def _pairs(events: list[Document], kind: str) -> list[tuple[Document, Document]]:
    return [(event, noted) for event in events for noted in event["followUps"] if noted["kind"] == kind]
