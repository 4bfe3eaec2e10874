"""A player's history: ledger rows and battles, page by page.

A page goes on after a position, not after a count, and facts neither change nor go. So a walk tells every fact
that was there when it began exactly once, however many are added meanwhile.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chalicelib.arena.cursors import Cursors, Listing, Position
from chalicelib.arena.history_ports import HistoryQueries, HistoryQuery
from chalicelib.arena.moments import as_moment, epoch_ms
from chalicelib.arena.ports import Document

PAGE_DEFAULT: Final = 50

LEDGER_FIELDS: Final = (
    "currency",
    "direction",
    "amount",
    "reason",
    "arena",
    "league",
    "requestId",
    "battleId",
    "createdAt",
)
"""Of a ledger row, what its player is told besides the id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """One page of a player's history."""

    telegram_id: str
    equal: Mapping[str, str] = field(default_factory=dict)
    """Fields that must have these values."""
    since: datetime | None = None
    """Inclusive."""
    until: datetime | None = None
    """Exclusive."""
    limit: int = PAGE_DEFAULT
    cursor: str | None = None
    """The ``nextCursor`` of the page before; None for the first page."""


class HistoryService:
    """Lists what happened to a player. Answers are ``{items, nextCursor}``, the cursor None on the last page."""

    def __init__(self, queries: HistoryQueries, cursors: Cursors) -> None:
        self._queries = queries
        self._cursors = cursors

    def transactions(self, request: PageRequest) -> Document:
        """The player's ledger rows, newest first. Raises ``BadRequest("invalid_cursor")``."""
        return self._page("transactions", request, self._queries.ledger_rows, _ledger_row)

    def battles(self, request: PageRequest) -> Document:
        """The player's battles as a replay answers them, newest first. Raises ``BadRequest("invalid_cursor")``."""
        return self._page("battles", request, self._queries.battles, _as_stored)

    def _page(
        self,
        name: str,
        request: PageRequest,
        read: Callable[[HistoryQuery], list[Document]],
        told: Callable[[Document], Document],
    ) -> Document:
        listing = Listing(name=name, telegram_id=request.telegram_id, filters=_filters(request))
        after = None if request.cursor is None else self._cursors.read(listing, request.cursor)
        found = read(
            HistoryQuery(
                telegram_id=request.telegram_id,
                equal=request.equal,
                since=request.since,
                until=request.until,
                after=after,
                # One more than asked for tells whether there is another page.
                limit=request.limit + 1,
            )
        )
        page = found[: request.limit]
        more = len(found) > request.limit
        return {
            "items": [told(document) for document in page],
            "nextCursor": self._cursors.write(listing, _position(page[-1])) if more else None,
        }


def _filters(request: PageRequest) -> dict[str, str]:
    span = {"since": request.since, "until": request.until}
    moments = {f"{name}()": str(epoch_ms(moment)) for name, moment in span.items() if moment is not None}
    return {**request.equal, **moments}


def _position(document: Document) -> Position:
    moment = as_moment(document["createdAt"])
    assert moment is not None, "a history has no document without a time"  # noqa: S101
    return Position(moment, str(document["_id"]))


def _ledger_row(row: Document) -> Document:
    return {"id": row["_id"], **{name: row.get(name) for name in LEDGER_FIELDS}}


def _as_stored(document: Document) -> Document:
    return document
