"""Leaderboards in memory, by brute force: every answer is read off the whole list, sorted."""

from collections.abc import Mapping, Sequence

from chalicelib.arena.leaderboard_ports import Neighbours, PlayerRow, Ranking
from chalicelib.arena.ports import Document
from chalicelib.arena.standings import ALL, Totals, path_of
from tests.fakes.memory_database import MemoryDatabase


class MemoryStandings:
    """``leaderboard_ports.StandingsQueries``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def top(self, ranking: Ranking, limit: int) -> Sequence[str]:
        return [telegram_id for _, telegram_id in self._list(ranking)[:limit]]

    def higher(self, ranking: Ranking, value: int) -> int:
        return sum(other > value for other, _ in self._list(ranking))

    def around(self, ranking: Ranking, telegram_id: str, value: int, reach: int) -> Neighbours:
        order = [who for _, who in self._list(ranking)]
        place = order.index(telegram_id)
        return Neighbours(place + 1, order[max(0, place - reach) : place], order[place + 1 : place + 1 + reach])

    def rows(self, ranking: Ranking, telegram_ids: Sequence[str]) -> Mapping[str, PlayerRow]:
        users = {user["telegramId"]: user for user in self._database.now().find("users")}
        return {
            who: PlayerRow(who, users[who].get("username") or "", users[who].get("badges") or [], totals)
            for who, totals in self._totals(ranking).items()
            if who in telegram_ids
        }

    def own(self, ranking: Ranking, telegram_id: str) -> PlayerRow | None:
        return self.rows(ranking, [telegram_id]).get(telegram_id)

    def seasons(self) -> list[Document]:
        return sorted(self._database.now().find("seasons"), key=lambda season: season["startsAt"], reverse=True)

    def season(self, season_id: str) -> Document | None:
        return next(iter(self._database.now().find("seasons", {"_id": season_id})), None)

    def season_was_played(self, season_id: str) -> bool:
        return bool(self._totals(Ranking(board=ALL, metric="score", season=season_id)))

    def league_exists(self, league: str) -> bool:
        return bool(self._database.now().find("gamemodes", {"league": league}))

    def _list(self, ranking: Ranking) -> list[tuple[int, str]]:
        found = ((totals.by(ranking.metric), who) for who, totals in self._totals(ranking).items())
        return sorted(found, reverse=True)

    def _totals(self, ranking: Ranking) -> dict[str, Totals]:
        if ranking.archived:
            where = {"season": ranking.season, "board": ranking.board}
            finals = self._database.now().find("seasonstandings", where)
            return {final["telegramId"]: Totals.read(final["totals"]) for final in finals}
        found = {}
        for user in self._database.now().find("users"):
            stored: object = user
            for name in path_of(ranking.season, ranking.board).split("."):
                stored = stored.get(name) if isinstance(stored, Mapping) else None
            if stored is not None:
                found[user["telegramId"]] = Totals.read(stored)
        return found
