"""What leaderboards need from storage: who stands where (in Mongo or Redis), and who they are (in Mongo).

The order of a ranking is total and the same everywhere: by value, higher first; among equals by telegramId, compared
as text, greater first (the order a sorted set read backwards has).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.arena.ports import Document
from chalicelib.arena.standings import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Which list: the players with battles on ``board``, by one of their sums."""

    board: str
    metric: str
    """One of ``standings.METRICS``."""
    season: str | None = None
    """A season's id; None is all-time."""
    archived: bool = False
    """Whether the season is over and its final standings are in the archive."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A player's surroundings in a ranking, in its order."""

    position: int
    """The player's own, from 1."""
    above: Sequence[str]
    below: Sequence[str]


@dataclass(frozen=True, slots=True)
class PlayerRow:
    """A player as a leaderboard shows them."""

    telegram_id: str
    username: str
    badges: Sequence[Any]
    totals: Totals


class Ranks(Protocol):
    """Answers who stands where, by telegramId. None means: not known here, ask the next."""

    def top(self, ranking: Ranking, limit: int) -> Sequence[str] | None:
        """The first ``limit`` players."""
        ...

    def higher(self, ranking: Ranking, value: int) -> int | None:
        """How many players have strictly more than ``value``."""
        ...

    def around(self, ranking: Ranking, telegram_id: str, value: int, reach: int) -> Neighbours | None:
        """Up to ``reach`` neighbours on either side of a player who is in the ranking with ``value``."""
        ...

    def followed(self, board: str) -> None:
        """Somebody follows ``board`` live: for a while, battles announce its changes."""
        ...


class Pages(Protocol):
    """Keeps the first rows of rankings for a moment."""

    def page(
        self, ranking: Ranking, limit: int, viewer: str | None, load: Callable[[int], list[Document]]
    ) -> list[Document]:
        """The first ``limit`` rows: from ``load``, which is told how many, or as they were a moment ago.

        ``viewer`` is a player who must see their own latest battle.
        """
        ...


class StandingsQueries(Protocol):
    """The truth about standings: players' documents and, for seasons that are over, the archive."""

    def top(self, ranking: Ranking, limit: int) -> Sequence[str]: ...

    def higher(self, ranking: Ranking, value: int) -> int: ...

    def around(self, ranking: Ranking, telegram_id: str, value: int, reach: int) -> Neighbours: ...

    def rows(self, ranking: Ranking, telegram_ids: Sequence[str]) -> Mapping[str, PlayerRow]:
        """The players' names and sums on the ranking's board; whoever has no battles there is missing."""
        ...

    def own(self, ranking: Ranking, telegram_id: str) -> PlayerRow | None:
        """As ``rows`` for one player, including the battle just fought."""
        ...

    def seasons(self) -> list[Document]:
        """Every season on record ({_id, startsAt, endsAt, archivedAt}), newest first."""
        ...

    def season(self, season_id: str) -> Document | None: ...

    def season_was_played(self, season_id: str) -> bool:
        """Whether a player's document holds the season."""
        ...

    def league_exists(self, league: str) -> bool:
        """Whether a game mode, enabled or not, is of ``league``."""
        ...
