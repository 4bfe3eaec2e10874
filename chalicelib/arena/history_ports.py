"""What a player's history needs from storage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.arena.cursors import Position
from chalicelib.arena.ports import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Facts of one player, newest first by (createdAt, _id); those of one moment in the order of their ids."""

    telegram_id: str
    equal: Mapping[str, str]
    """Fields that must have these values."""
    since: datetime | None
    """Not before this moment."""
    until: datetime | None
    """Before this moment."""
    after: Position | None
    """Only what comes after this position, which means what is older."""
    limit: int


class HistoryQueries(Protocol):
    """Reads that see the player's own writes. A fact without a ``createdAt`` is in no history."""

    def ledger_rows(self, query: HistoryQuery) -> list[Document]:
        """Documents of ledgerentries; ``equal`` may name currency and reason."""
        ...

    def battles(self, query: HistoryQuery) -> list[Document]:
        """Documents of battles; ``equal`` may name arena, league and modeKey."""
        ...
