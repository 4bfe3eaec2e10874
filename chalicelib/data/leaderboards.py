"""Leaderboards from MongoDB, by indexes alone. Lists may come from a secondary and be a moment old."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chalicelib.arena.leaderboard_ports import Neighbours, PlayerRow, Ranking
from chalicelib.arena.ports import Document
from chalicelib.arena.standings import Totals
from chalicelib.data import leaderboard_queries as queries
from chalicelib.data.leaderboard_queries import Place, place_of
from chalicelib.data.operations import Aggregate, Find, Operations
from chalicelib.data.pools import PoolName

HIGHEST_FIRST: Final = -1
LOWEST_FIRST: Final = 1


class MongoStandings:
    """``leaderboard_ports.StandingsQueries`` on MongoDB."""

    def __init__(self, operations: Operations, *, pool: PoolName = "secondary") -> None:
        self._operations = operations
        self._pool: PoolName = pool

    def top(self, ranking: Ranking, limit: int) -> Sequence[str]:
        found = self._by_value(place_of(ranking), {"$gte": 0}, HIGHEST_FIRST, limit)
        return [player["telegramId"] for player in found]

    def higher(self, ranking: Ranking, value: int) -> int:
        return self._count(queries.count_higher(place_of(ranking), value))

    def around(self, ranking: Ranking, telegram_id: str, value: int, reach: int) -> Neighbours:
        place = place_of(ranking)
        before = self.higher(ranking, value) + self._count(queries.count_tied_before(place, value, telegram_id))
        above = self.beyond(place, value, telegram_id, LOWEST_FIRST, reach)
        below = self.beyond(place, value, telegram_id, HIGHEST_FIRST, reach)
        return Neighbours(
            position=before + 1,
            above=[player["telegramId"] for player in reversed(above)],
            below=[player["telegramId"] for player in below],
        )

    def rows(self, ranking: Ranking, telegram_ids: Sequence[str]) -> Mapping[str, PlayerRow]:
        return self._rows(ranking, telegram_ids, self._pool) if telegram_ids else {}

    def own(self, ranking: Ranking, telegram_id: str) -> PlayerRow | None:
        return self._rows(ranking, [telegram_id], "primary").get(telegram_id)

    def seasons(self) -> list[Document]:
        return self._find(queries.seasons())

    def season(self, season_id: str) -> Document | None:
        return self._operations.execute(queries.season(season_id))

    def season_was_played(self, season_id: str) -> bool:
        return bool(self._find(queries.players_of_season(season_id)))

    def league_exists(self, league: str) -> bool:
        return bool(self._find(queries.modes_of_league(league)))

    def beyond(self, place: Place, value: int, telegram_id: str, direction: int, limit: int) -> list[Document]:
        """The next ``limit`` players after one, in the ranking's order (-1) or against it (1)."""
        found = self._find(queries.tied(place, value, direction, limit, beyond=telegram_id))
        missing = limit - len(found)
        if missing > 0:
            condition = {"$gt": value} if direction == LOWEST_FIRST else {"$gte": 0, "$lt": value}
            found += self._by_value(place, condition, direction, missing)
        return found

    def _by_value(self, place: Place, condition: Mapping[str, int], direction: int, limit: int) -> list[Document]:
        """The first ``limit`` in ``direction``, equals in the ranking's order."""
        found = self._find(queries.by_value(place, condition, direction, limit))
        if len(found) == limit:
            # More players may have the last value than fit: which of them belong here, only their order tells.
            last = at_path(found[-1], place.value)
            found = [player for player in found if at_path(player, place.value) != last]
            found += self._find(queries.tied(place, last, direction, limit - len(found)))
        return sorted(
            found,
            key=lambda player: (at_path(player, place.value), player["telegramId"]),
            reverse=direction == HIGHEST_FIRST,
        )

    def _rows(self, ranking: Ranking, telegram_ids: Sequence[str], pool: PoolName) -> dict[str, PlayerRow]:
        place = place_of(ranking)
        if not ranking.archived:
            players = self._find(queries.profiles(telegram_ids, place.sums), pool)
            stored = {player["telegramId"]: at_path(player, place.sums) for player in players}
        else:
            players = self._find(queries.profiles(telegram_ids), pool)
            finals = self._find(queries.archived(ranking.season, ranking.board, telegram_ids), pool)
            stored = {final["telegramId"]: final["totals"] for final in finals}
        return {
            player["telegramId"]: PlayerRow(
                telegram_id=player["telegramId"],
                username=player.get("username") or "",
                badges=player.get("badges") or [],
                totals=Totals.read(stored[player["telegramId"]]),
            )
            for player in players
            if stored.get(player["telegramId"]) is not None
        }

    def _find(self, query: Find, pool: PoolName | None = None) -> list[Document]:
        return self._operations.execute(query, pool=pool or self._pool)

    def _count(self, query: Aggregate) -> int:
        counted = self._operations.execute(query, pool=self._pool)
        return int(counted[0]["players"]) if counted else 0


def at_path(document: Document, path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
