"""Settling follow-ups on MongoDB."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from pymongo.client_session import ClientSession

from chalicelib.arena.follow_up_ports import DueFollowUps, FollowUpSnapshot
from chalicelib.arena.follow_ups import BOSS_DAMAGE, CREATOR_EARNINGS
from chalicelib.arena.ports import Document, Outcome
from chalicelib.data import follow_up_queries as queries
from chalicelib.data.operations import Find, Operations
from chalicelib.data.store import MongoStore

T = TypeVar("T")


class MongoFollowUpSnapshot:
    """``FollowUpSnapshot`` inside one transaction."""

    def __init__(self, operations: Operations, session: ClientSession) -> None:
        self._operations = operations
        self._session = session

    def due(self, now: datetime, limit: int) -> DueFollowUps:
        events = self._find(queries.due(now, limit))
        paying = [event["requestId"] for event, _ in _noted(events, CREATOR_EARNINGS)]
        rows = self._find(queries.earnings(paying)) if paying else []
        striking = _noted(events, BOSS_DAMAGE)
        boss_ids = list({noted["bossId"] for _, noted in striking})
        battle_ids = [event["payload"]["battle"]["_id"] for event, _ in striking]
        damages = self._find(queries.damages(boss_ids, battle_ids)) if striking else []
        bosses = self._find(queries.bosses(boss_ids)) if striking else []
        return DueFollowUps(
            events=events,
            paid={(row["sourceId"], row["telegramId"], row["currency"]) for row in rows},
            struck={(damage["bossId"], damage["battleId"]) for damage in damages},
            bosses={boss["_id"]: boss for boss in bosses},
        )

    def _find(self, query: Find) -> list[Document]:
        return self._operations.execute(query, session=self._session)


class MongoFollowUps:
    """``FollowUpStore`` on the arena's store."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store

    def new_id(self) -> Any:
        return self._store.new_id()

    def transact(self, work: Callable[[FollowUpSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MongoFollowUpSnapshot, work)


def _noted(events: list[Document], kind: str) -> list[tuple[Document, Document]]:
    return [(event, noted) for event in events for noted in event["followUps"] if noted["kind"] == kind]
