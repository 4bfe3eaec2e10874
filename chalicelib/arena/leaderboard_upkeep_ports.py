"""What keeping leaderboards right needs: players' standings in pages, sorted sets to load, a season archive."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from chalicelib.arena.ports import Document
from chalicelib.arena.seasons import Season, season_by_id
from chalicelib.arena.standings import Standing, Totals
from chalicelib.locks import Guard

Board = tuple[str | None, str]
"""A season's id (None is all-time) and a board's name."""

CACHE_UNAVAILABLE: Final = "cache_unavailable"
"""Code of the ``Unavailable`` that sorted sets raise."""

KEPT_AFTER_SEASON: Final = timedelta(days=3)
"""A season's sets outlive it by this: until its archive is written, and some."""


def expiry_of(season_id: str | None) -> datetime | None:
    """When the sets of a season go; None for all-time."""
    season = None if season_id is None else season_by_id(season_id)
    return None if season is None else season.ends_at + KEPT_AFTER_SEASON


@dataclass(frozen=True, slots=True)
class Loading:
    """A board's sets on the way to completeness."""

    token: str
    """Marks the sets it was begun with: whatever takes the players takes the mark."""
    after: str = ""
    """Players up to this telegramId are loaded."""


class RankSets(Protocol):
    """The sorted sets of boards. Every method raises ``Unavailable`` when they can't be reached."""

    def incomplete(self, boards: Sequence[Board]) -> list[Board]:
        """Those of ``boards`` of which a set is missing or not completely loaded."""
        ...

    def begin(self, board: Board) -> Loading:
        """Starts loading, or goes on where ``pause`` left off if nothing was lost since."""
        ...

    def load(self, board: Board, players: Sequence[tuple[str, Totals]]) -> None: ...

    def pause(self, board: Board, loading: Loading) -> None: ...

    def complete(self, board: Board, loading: Loading) -> bool:
        """Declares the sets complete; False when they are not those that ``loading`` began with."""
        ...

    def forget(self, board: Board) -> None:
        """Removes the sets."""
        ...

    def raise_to(self, standings: Iterable[tuple[str, Standing]]) -> None:
        """Raises players' values, on whatever boards."""
        ...

    def reconciled_until(self) -> datetime | None:
        """Changes before this moment are in the sets; None when nobody knows."""
        ...

    def set_reconciled_until(self, moment: datetime, guard: Guard | None = None) -> None:
        """Raises ``FencedOut`` when it was set by a newer holder of ``guard``'s lock."""
        ...

    def values(self, board: Board, metric: str, telegram_ids: Sequence[str]) -> list[int | None]: ...

    def size(self, board: Board, metric: str) -> int: ...


class StandingsPages(Protocol):
    """Players' standings, read in bounded pages."""

    def players(self, board: Board, after: str, limit: int) -> list[tuple[str, Totals]]:
        """The next players of a board by telegramId, those with battles there."""
        ...

    def changed_since(self, moment: datetime, limit: int) -> list[Document]:
        """Players whose standings changed at ``moment`` or later, the earliest first, with their standings."""
        ...

    def leagues(self) -> list[str]:
        """Every league a game mode, enabled or not, is of."""
        ...


class SeasonRecords(Protocol):
    """Seasons and their final standings. Writes may be repeated."""

    def under(self, guard: Guard) -> "SeasonRecords":
        """The same records; ``note``, ``close`` and ``write`` are for the newest holder of ``guard``'s lock only.

        Any other gets ``FencedOut``.
        """
        ...

    def record(self, season: Season) -> Document:
        """The season's document, made if there is none."""
        ...

    def note(self, season_id: str, *, boards: Sequence[str] = (), finished: Sequence[str] = ()) -> None:
        """Adds to the boards the season has, and to those whose archive is finished."""
        ...

    def close(self, season_id: str, now: datetime) -> None:
        """From now on the season is read from the archive."""
        ...

    def last_rank(self, board: Board) -> Document | None:
        """The lowest-ranked of the final standings written so far: {telegramId, totals, rank}."""
        ...

    def next_players(self, board: Board, after: tuple[int, str] | None, limit: int) -> list[Mapping[str, Any]]:
        """The next players by score, in order: {telegramId, boards} with the season's sums by escaped board name.

        ``after`` is the score and telegramId to go on behind.
        """
        ...

    def write(self, board: Board, players: Sequence[tuple[int, str, Totals]]) -> None:
        """Stores final standings: rank, telegramId, sums."""
        ...
