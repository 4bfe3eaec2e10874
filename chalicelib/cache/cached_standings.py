"""What leaderboards ask beside standings, read through the cache: seasons on record, leagues that exist."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from chalicelib.arena.leaderboard_ports import Neighbours, PlayerRow, Ranking, StandingsQueries
from chalicelib.arena.leaderboard_upkeep import MayGoOn
from chalicelib.arena.ports import Document
from chalicelib.arena.season_archive import ArchiveReport, SeasonArchive
from chalicelib.cache.cached_values import LEAGUES, SEASONS, Item
from chalicelib.cache.invalidation import Invalidation
from chalicelib.cache.read_through import ReadThrough
from chalicelib.locks import Guard

ON_RECORD: Final = Item(SEASONS, "on record")


class LatestStandings(Protocol):
    """The part of ``leaderboard_ports.StandingsQueries`` that is cached, or loaded into cached pages."""

    def top(self, ranking: Ranking, limit: int) -> Sequence[str]: ...

    def rows(self, ranking: Ranking, telegram_ids: Sequence[str]) -> Mapping[str, PlayerRow]: ...

    def seasons(self) -> list[Document]: ...

    def season(self, season_id: str) -> Document | None: ...

    def league_exists(self, league: str) -> bool: ...


class CachedStandings:
    """``leaderboard_ports.StandingsQueries``.

    ``latest`` must see what was just written, or what is cached of it would be old for longer; ``standings`` need not.
    """

    def __init__(self, standings: StandingsQueries, latest: LatestStandings, reads: ReadThrough) -> None:
        self._standings = standings
        self._latest = latest
        self._reads = reads

    def top(self, ranking: Ranking, limit: int) -> Sequence[str]:
        return self._latest.top(ranking, limit)

    def higher(self, ranking: Ranking, value: int) -> int:
        return self._standings.higher(ranking, value)

    def around(self, ranking: Ranking, telegram_id: str, value: int, reach: int) -> Neighbours:
        return self._standings.around(ranking, telegram_id, value, reach)

    def rows(self, ranking: Ranking, telegram_ids: Sequence[str]) -> Mapping[str, PlayerRow]:
        return self._latest.rows(ranking, telegram_ids)

    def own(self, ranking: Ranking, telegram_id: str) -> PlayerRow | None:
        return self._standings.own(ranking, telegram_id)

    def seasons(self) -> list[Document]:
        return self._reads.cached(ON_RECORD, self._latest.seasons)

    def season(self, season_id: str) -> Document | None:
        found = next((season for season in self.seasons() if season["_id"] == season_id), None)
        # The list is of the newest; of what is not on it the database knows.
        return self._latest.season(season_id) if found is None else found

    def season_was_played(self, season_id: str) -> bool:
        return self._standings.season_was_played(season_id)

    def league_exists(self, league: str) -> bool:
        return self._reads.cached(Item(LEAGUES, league), lambda: self._latest.league_exists(league))


class AnnouncedArchive:
    """``SeasonArchive`` whose runs drop the cached list of seasons."""

    def __init__(self, archive: SeasonArchive, invalidation: Invalidation) -> None:
        self._archive = archive
        self._invalidation = invalidation

    def run(self, may_go_on: MayGoOn, guard: Guard | None = None) -> ArchiveReport:
        try:
            return self._archive.run(may_go_on, guard)
        finally:
            self._invalidation.changed("season")
