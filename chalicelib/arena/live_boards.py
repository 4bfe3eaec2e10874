"""Leaderboards as live updates show them."""

from chalicelib.arena.leaderboard_service import LeaderboardService
from chalicelib.arena.live_ports import BoardTop
from chalicelib.arena.ports import CatalogueQueries
from chalicelib.arena.seasons import season_at, season_length
from chalicelib.clock import Clock


class LiveBoards:
    """``live_ports.Boards`` on the leaderboard service."""

    def __init__(self, leaderboards: LeaderboardService, catalogue: CatalogueQueries, clock: Clock) -> None:
        self._leaderboards = leaderboards
        self._catalogue = catalogue
        self._clock = clock

    def require(self, board: str) -> None:
        self._leaderboards.require_board(board)

    def top(self, board: str, season: str | None, limit: int) -> BoardTop:
        current = None
        if season is not None:
            current = season_at(self._clock(), season_length(self._catalogue.economy_config())).id
        return BoardTop(current, self._leaderboards.top(board, "score", limit, current))
