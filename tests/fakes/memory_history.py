"""A player's history in memory."""

from datetime import UTC, datetime

from bson import ObjectId

from chalicelib.arena.cursors import Position
from chalicelib.arena.history_ports import HistoryQuery
from chalicelib.arena.ports import Document
from tests.fakes.memory_database import MemoryDatabase

_NEVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryHistory:
    """``history_ports.HistoryQueries``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def ledger_rows(self, query: HistoryQuery) -> list[Document]:
        return self._find("ledgerentries", "telegramId", query)

    def battles(self, query: HistoryQuery) -> list[Document]:
        return self._find("battles", "ownerTelegramId", query)

    def _find(self, collection: str, owner: str, query: HistoryQuery) -> list[Document]:
        found = [
            document
            for document in self._database.now().find(collection, {owner: query.telegram_id, **query.equal})
            if isinstance(document.get("createdAt"), datetime)
            and (query.since or _ALWAYS) <= document["createdAt"] < (query.until or _NEVER)
            and (query.after is None or _position(document) < query.after)
        ]
        return sorted(found, key=_position, reverse=True)[: query.limit]


def _position(document: Document) -> Position:
    assert isinstance(document["_id"], ObjectId)
    return Position(document["createdAt"], str(document["_id"]))
