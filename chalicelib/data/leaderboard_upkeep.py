"""Players' standings in pages, and the archive of seasons, on MongoDB. Read from the primary: what is copied must
not be older than what the copy already has."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.arena.leaderboard_ports import Ranking
from chalicelib.arena.leaderboard_upkeep_ports import Board
from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.arena.seasons import Season
from chalicelib.arena.standings import Totals, escaped, path_of
from chalicelib.arena.standings_audit import Sum
from chalicelib.data import leaderboard_queries as queries
from chalicelib.data.fences import FencedUpdates
from chalicelib.data.leaderboard_queries import ARCHIVE, place_of
from chalicelib.data.leaderboards import HIGHEST_FIRST, MongoStandings, at_path
from chalicelib.data.operations import Operations, Update
from chalicelib.locks import Guard


class MongoStandingsPages:
    """``leaderboard_upkeep_ports.StandingsPages``."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def players(self, board: Board, after: str, limit: int) -> list[tuple[str, Totals]]:
        sums = path_of(*board)
        found = self._operations.execute(queries.board_page(sums, after, limit))
        return [(player["telegramId"], Totals.read(at_path(player, sums))) for player in found]

    def changed_since(self, moment: datetime, limit: int) -> list[Document]:
        return self._operations.execute(queries.changed_since(moment, limit))

    def leagues(self) -> list[str]:
        modes = self._operations.execute(queries.leagues_of_modes())
        return sorted({mode["league"] for mode in modes if isinstance(mode.get("league"), str)})


class MongoSeasonRecords:
    """``leaderboard_upkeep_ports.SeasonRecords``."""

    def __init__(self, operations: Operations, guard: Guard | None = None) -> None:
        self._operations = operations
        self._standings = MongoStandings(operations, pool="primary")
        self._guard = guard
        self._fenced = FencedUpdates(operations)

    def under(self, guard: Guard) -> "MongoSeasonRecords":
        return MongoSeasonRecords(self._operations, guard)

    def record(self, season: Season) -> Document:
        found = self._operations.execute(queries.season(season.id))
        if found is None:
            fresh = {"startsAt": season.starts_at, "endsAt": season.ends_at, "archivedAt": None}
            made = Change("seasons", {"_id": season.id}, {"$setOnInsert": fresh}, upsert=True)
            self._operations.execute(Update([made]))
            found = {"_id": season.id, **fresh}
        return found

    def note(self, season_id: str, *, boards: Sequence[str] = (), finished: Sequence[str] = ()) -> None:
        added = {"boards": list(boards), "finished": list(finished)}
        change = {name: {"$each": values} for name, values in added.items() if values}
        if change:
            self._season(season_id, {"$addToSet": change})

    def close(self, season_id: str, now: datetime) -> None:
        self._season(season_id, {"$set": {"archivedAt": now}})

    def last_rank(self, board: Board) -> Document | None:
        return self._operations.execute(queries.last_archived(*board))

    def next_players(self, board: Board, after: tuple[int, str] | None, limit: int) -> list[Mapping[str, Any]]:
        season, name = board
        ranking = Ranking(board=name, metric="score", season=season)
        if after is None:
            order = list(self._standings.top(ranking, limit))
        else:
            score, telegram_id = after
            found = self._standings.beyond(place_of(ranking), score, telegram_id, HIGHEST_FIRST, limit)
            order = [player["telegramId"] for player in found]
        players = self._operations.execute(queries.sums_of_season(str(season), order)) if order else []
        boards = {player["telegramId"]: at_path(player, f"seasons.{season}") for player in players}
        # Whose next battle came between the two reads may have dropped the season.
        return [{"telegramId": who, "boards": boards[who]} for who in order if boards.get(who) is not None]

    def write(self, board: Board, players: Sequence[tuple[int, str, Totals]]) -> None:
        season, name = board
        changes = [
            Change(
                ARCHIVE,
                # All of a shard key: where the collection is sharded, an upsert has to name it.
                {
                    "_id": f"{season}|{escaped(name)}|{telegram_id}",
                    "season": season,
                    "board": name,
                    "telegramId": telegram_id,
                },
                {"$set": {"totals": totals.fields(), "rank": rank}},
                upsert=True,
            )
            for rank, telegram_id, totals in players
        ]
        self._fenced.update(self._guard, changes)

    def _season(self, season_id: str, change: Mapping[str, Any]) -> None:
        self._fenced.update(self._guard, [Change("seasons", {"_id": season_id}, change)])


class MongoStandingsBooks:
    """``standings_audit.StandingsBooks``."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def players(self, after: str, limit: int) -> list[Document]:
        return self._operations.execute(queries.all_players_page(after, limit))

    def named(self, telegram_ids: Sequence[str]) -> list[Document]:
        return self._operations.execute(queries.players_named(telegram_ids)) if telegram_ids else []

    def sums(self, telegram_ids: Sequence[str], length: str) -> list[Sum]:
        found = self._operations.execute(queries.sums_over_battles(telegram_ids, length))
        return [
            Sum(one["_id"]["player"], str(one["_id"].get("league")), one["_id"]["season"], Totals.read(one))
            for one in found
        ]

    def replace(self, player: Document, changes: Document) -> bool:
        counted = at_path(player, "totals.all.battles")
        where = {"telegramId": player["telegramId"], "totals.all.battles": counted}
        return self._operations.execute(Update([Change("users", where, {"$set": changes})])) == 1
