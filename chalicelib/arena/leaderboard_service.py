"""Leaderboards: lists, a player's own rank, a player's neighbours; all-time and by season.

Redis answers who stands where, when it can; MongoDB answers everything else, and that too when Redis can't.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from chalicelib.arena.leaderboard_ports import Pages, PlayerRow, Ranking, Ranks, StandingsQueries
from chalicelib.arena.modes import LEAGUES
from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.arena.seasons import season_at, season_by_id, season_length, still_kept
from chalicelib.arena.standings import ALL, METRICS, Totals, league_board, realm_board
from chalicelib.clock import Clock
from chalicelib.errors import BadRequest, NotFound

CURRENT: Final = "current"
_LEAGUE: Final = league_board("")
_REALM: Final = realm_board("")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardQuery:
    """Which ranking a player asks for, in the wire's words."""

    by: str = "score"
    league: str | None = None
    realm: str | None = None
    season: str | None = None
    """``current``, a season's id, or None for all-time."""


class LeaderboardService:
    """Reads rankings. ``ranks`` is what may answer faster than ``standings``, if anything; ``pages`` keeps lists."""

    def __init__(
        self,
        standings: StandingsQueries,
        catalogue: CatalogueQueries,
        clock: Clock,
        *,
        ranks: Ranks | None = None,
        pages: Pages | None = None,
    ) -> None:
        self._standings = standings
        self._catalogue = catalogue
        self._clock = clock
        self._ranks = ranks
        self._pages = pages

    def leaderboard(self, query: BoardQuery, limit: int, viewer: str | None = None) -> list[Document]:
        """The first ``limit`` rows; others' battles of the last seconds may be missing, ``viewer``'s are not.

        Raises what ``ranking`` raises.
        """
        ranking = self.ranking(query)
        if self._pages is None:
            return self._top(ranking, limit)
        return self._pages.page(ranking, limit, viewer, partial(self._top, ranking))

    def my_rank(self, telegram_id: str, query: BoardQuery) -> Document:
        """The player's rank: 1 + players with strictly more; without battles, their sums are 0.

        Raises what ``ranking`` raises.
        """
        ranking = self.ranking(query)
        row = self._standings.own(ranking, telegram_id)
        totals = Totals() if row is None else row.totals
        return {"rank": 1 + self._higher(ranking, totals.by(ranking.metric)), **_sums(totals)}

    def around_me(self, telegram_id: str, query: BoardQuery, reach: int) -> Document:
        """The player's own row between up to ``reach`` rows ``above`` and ``below``, ranked by position as in lists.

        Without battles on the board ``me`` is None and there are no neighbours. Raises what ``ranking`` raises.
        """
        ranking = self.ranking(query)
        own = self._standings.own(ranking, telegram_id)
        if own is None:
            return {"above": [], "me": None, "below": []}
        value = own.totals.by(ranking.metric)
        found = None if self._ranks is None else self._ranks.around(ranking, telegram_id, value, reach)
        if found is None:
            found = self._standings.around(ranking, telegram_id, value, reach)
        rows = dict(self._standings.rows(ranking, [*found.above, *found.below]))
        # Read elsewhere or a moment later, the player may stand where a neighbour is looked for.
        rows.pop(telegram_id, None)
        above, below = _ordered(ranking, rows, found.above), _ordered(ranking, rows, found.below)
        return {
            "above": _ranked(above, found.position - len(above)),
            "me": _ranked([own], found.position)[0],
            "below": _ranked(below, found.position + 1),
        }

    def seasons(self) -> list[Document]:
        """Known seasons, newest first: the one that runs now, and every one on record."""
        now = self._clock()
        current = season_at(now, season_length(self._catalogue.economy_config()))
        found = [
            {
                "id": season["_id"],
                "startsAt": season["startsAt"],
                "endsAt": season["endsAt"],
                "archived": season.get("archivedAt") is not None,
            }
            for season in self._standings.seasons()
            if season["_id"] != current.id
        ]
        running = {"id": current.id, "startsAt": current.starts_at, "endsAt": current.ends_at, "archived": False}
        return sorted([running, *found], key=lambda season: (season["startsAt"], season["endsAt"]), reverse=True)

    def top(self, board: str, by: str, limit: int, season: str | None = None) -> list[Document]:
        """The first ``limit`` rows of a board by its name (``all``, ``league:<league>``, ``realm:<key>``).

        For live updates: the board counts as followed. Raises what ``ranking`` raises for ``by`` and ``season``.
        """
        if self._ranks is not None:
            self._ranks.followed(board)
        return self._top(self._ranking(board, by, season), limit)

    def score_rank(self, telegram_id: str) -> int:
        """The player's all-time rank by score."""
        rank: int = self.my_rank(telegram_id, BoardQuery())["rank"]
        return rank

    def ranking(self, query: BoardQuery) -> Ranking:
        """What ``query`` asks for.

        Raises ``BadRequest`` ("invalid by", "invalid board" for a league and a realm together, "invalid season") and
        ``NotFound`` ("league not found", "Realm not found", "season not found").
        """
        if query.by.lower() not in METRICS:
            raise BadRequest("invalid by", details={"allowed": list(METRICS)})
        if query.league is not None and query.realm is not None:
            raise BadRequest("invalid board", details="a board is of a league or of a realm, not of both")
        board = ALL
        if query.league is not None:
            board = league_board(query.league)
        elif query.realm is not None:
            board = realm_board(query.realm)
        self.require_board(board)
        return self._ranking(board, query.by, query.season)

    def require_board(self, board: str) -> None:
        """Raises ``NotFound`` unless there is such a board."""
        if board == ALL:
            return
        if board.startswith(_LEAGUE):
            league = board.removeprefix(_LEAGUE)
            if any(league == known.name for known in LEAGUES) or self._standings.league_exists(league):
                return
            raise NotFound("league not found")
        if not board.startswith(_REALM) or self._catalogue.realm(board.removeprefix(_REALM)) is None:
            raise NotFound("Realm not found" if board.startswith(_REALM) else "board not found")

    def _ranking(self, board: str, by: str, asked: str | None) -> Ranking:
        metric = by.lower()
        if metric not in METRICS:
            raise BadRequest("invalid by", details={"allowed": list(METRICS)})
        season, archived = self._season(asked)
        return Ranking(board=board, metric=metric, season=season, archived=archived)

    def _season(self, asked: str | None) -> tuple[str | None, bool]:
        """The season's id, and whether it is archived."""
        if asked is None:
            return None, False
        season = season_by_id(asked)
        if asked != CURRENT and season is None:
            raise BadRequest("invalid season", details="current, or an id such as 2026-11 or 2026-W48")
        current = season_at(self._clock(), season_length(self._catalogue.economy_config()))
        if season is None or season == current:
            return current.id, False
        recorded = self._standings.season(asked)
        if recorded is not None and recorded.get("archivedAt") is not None:
            return asked, True
        # Not archived in time, it is still held by those players only who have not fought since.
        if not still_kept(season, current) or (recorded is None and not self._standings.season_was_played(asked)):
            raise NotFound("season not found")
        return asked, False

    def _top(self, ranking: Ranking, limit: int) -> list[Document]:
        found = None if self._ranks is None else self._ranks.top(ranking, limit)
        if found is None:
            found = self._standings.top(ranking, limit)
        return _ranked(_ordered(ranking, self._standings.rows(ranking, found), found), 1)

    def _higher(self, ranking: Ranking, value: int) -> int:
        found = None if self._ranks is None else self._ranks.higher(ranking, value)
        return self._standings.higher(ranking, value) if found is None else found


def _ordered(ranking: Ranking, rows: Mapping[str, PlayerRow], telegram_ids: Sequence[str]) -> list[PlayerRow]:
    """The rows as their values stand now: a battle may have come between the two reads."""
    found = [rows[telegram_id] for telegram_id in telegram_ids if telegram_id in rows]
    return sorted(found, key=lambda row: (row.totals.by(ranking.metric), row.telegram_id), reverse=True)


def _ranked(rows: Sequence[PlayerRow], first: int) -> list[Document]:
    """The game's rows, ranked by position from ``first``."""
    return [
        {
            **_sums(row.totals),
            "telegramId": row.telegram_id,
            "username": row.username,
            "badges": list(row.badges),
            "rank": rank,
        }
        for rank, row in enumerate(rows, first)
    ]


def _sums(totals: Totals) -> dict[str, Any]:
    return {
        "totalScore": totals.score,
        "totalAiba": totals.aiba,
        "totalNeur": totals.neur,
        "battles": totals.battles,
    }
