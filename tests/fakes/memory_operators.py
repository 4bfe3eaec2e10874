"""Operators' and follow-ups' ports in memory; they run the same contract suite as the Mongo ones."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bson import ObjectId

from chalicelib.arena.follow_up_ports import DueFollowUps, FollowUpSnapshot
from chalicelib.arena.operator_ports import OperatorSnapshot
from chalicelib.arena.ports import Document, Outcome, Update
from chalicelib.data.seed import CONFIG_ID
from chalicelib.locks import Guard
from tests.fakes.memory_database import MemoryDatabase, Moment
from tests.fakes.memory_store import MemoryStore

T = TypeVar("T")

_LIVING = {"deletedAt": None}


class MemorySignInTries:
    """``SignInTries``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def note(self, key: str, now: datetime, *, kept: int, expires_at: datetime) -> Sequence[datetime]:
        added = {"$push": {"tries": {"$each": [now], "$slice": -kept}}, "$set": {"expiresAt": expires_at}}
        self._database.commit([Update("operatorsignins", {"_id": key}, added, upsert=True)])
        (document,) = self._database.now().find("operatorsignins", {"_id": key})
        return list(document["tries"])


class MemoryOperatorSnapshot:
    """``OperatorSnapshot`` on one moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def mode(self, mode_id: str) -> Document | None:
        return _first(self._moment.find("gamemodes", {"_id": ObjectId(mode_id), **_LIVING}))

    def mode_of_key(self, key: str) -> Document | None:
        return _first(self._moment.find("gamemodes", {"key": key}))

    def economy_config(self) -> Document | None:
        return _first(self._moment.find("economyconfigs"))


class MemoryOperators:
    """``OperatorStore`` and ``OperatorQueries``."""

    def __init__(self, store: MemoryStore, database: MemoryDatabase) -> None:
        self._store = store
        self._database = database

    def new_id(self) -> Any:
        return self._store.new_id()

    def config_id(self) -> Any:
        return CONFIG_ID

    def transact(self, work: Callable[[OperatorSnapshot], Outcome[T]]) -> T:
        return self._store.transact_on(MemoryOperatorSnapshot, work)

    def modes(self, *, arena: str | None, league: str | None, enabled: bool | None) -> list[Document]:
        given = {name: value for name, value in (("arena", arena), ("league", league)) if value is not None}
        found = self._database.now().find("gamemodes", {**given, **_LIVING})
        wanted = [mode for mode in found if enabled in (None, mode.get("enabled") is not False)]
        return sorted(wanted, key=lambda mode: (mode["arena"], mode["league"], mode["key"]))

    def economy_config(self) -> Document:
        return _first(self._database.now().find("economyconfigs")) or {}

    def ledger(self, telegram_id: str | None, limit: int) -> list[Document]:
        where = {} if telegram_id is None else {"telegramId": telegram_id}
        return _newest(self._database.now().find("ledgerentries", where), limit)

    def actions(self, limit: int) -> list[Document]:
        return _newest(self._database.now().find("operatoractions"), limit)


class MemoryFollowUpSnapshot:
    """``FollowUpSnapshot`` on one moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def due(self, now: datetime, limit: int) -> DueFollowUps:
        find = self._moment.find
        waiting = [event for event in find("outbox") if event.get("followUpsDueAt") is not None]
        due = sorted((e for e in waiting if e["followUpsDueAt"] <= now), key=lambda event: event["followUpsDueAt"])
        rows = find("ledgerentries", {"sourceType": "creator_referee_battle"})
        return DueFollowUps(
            events=due[:limit],
            paid={(row["sourceId"], row["telegramId"], row["currency"]) for row in rows},
            struck={(damage["bossId"], damage.get("battleId")) for damage in find("bossdamages")},
            bosses={boss["_id"]: boss for boss in find("globalbosses")},
        )


class MemoryFollowUps:
    """``FollowUpStore``."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def new_id(self) -> Any:
        return self._store.new_id()

    def transact(self, work: Callable[[FollowUpSnapshot], Outcome[T]], guard: Guard | None = None) -> T:
        return self._store.transact_on(MemoryFollowUpSnapshot, work, guard)


def _newest(documents: list[Document], limit: int) -> list[Document]:
    return sorted(documents, key=lambda document: (document["createdAt"], document["_id"]), reverse=True)[:limit]


def _first(found: list[Document]) -> Document | None:
    return next(iter(found), None)
