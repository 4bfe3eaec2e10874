"""Keeps the final standings of seasons that are over.

Nobody resets anything: a season ends by the clock, and its sums stay on players' documents until their first battle
of the season after the next. Before that they are copied here, board by board, in the order of rank, in bounded
pages; an interrupted copy goes on behind the lowest rank it wrote. Repeating it writes the same again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.arena.leaderboard_ports import StandingsQueries
from chalicelib.arena.leaderboard_upkeep import MayGoOn
from chalicelib.arena.leaderboard_upkeep_ports import SeasonRecords
from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.arena.seasons import LENGTHS, MONTH, WEEK, Season, season_at, season_before, season_length
from chalicelib.arena.standings import ALL, Totals, escaped, unescaped
from chalicelib.clock import Clock

GRACE: Final = timedelta(minutes=5)
"""A battle's time may be in the season and its commit a moment after; clocks differ, too."""

PAGE: Final = 500
"""Final standings written at a time."""

SEASONS_BACK: Final[Mapping[str, int]] = {MONTH: 14, WEEK: 60}
"""How far back an unarchived season is looked for: more than a year of nobody looking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """What one run did."""

    current: str
    archived: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    written: int = 0
    """Final standings, all boards together."""


class SeasonArchive:
    """Archives ended seasons."""

    def __init__(
        self, standings: StandingsQueries, records: SeasonRecords, catalogue: CatalogueQueries, clock: Clock
    ) -> None:
        self._standings = standings
        self._records = records
        self._catalogue = catalogue
        self._clock = clock

    def run(self, may_go_on: MayGoOn) -> ArchiveReport:
        """Records the current season and archives ended ones, the oldest first, while there is time.

        Raises ``Unavailable``.
        """
        now = self._clock()
        current = season_at(now, season_length(self._catalogue.economy_config()))
        self._records.record(current)
        archived: list[str] = []
        unfinished: list[str] = []
        written = 0
        for season in self._ended(now):
            done, count = self._archive(season, may_go_on)
            written += count
            (archived if done else unfinished).append(season.id)
        return ArchiveReport(
            current=current.id, archived=tuple(archived), unfinished=tuple(unfinished), written=written
        )

    def _ended(self, now: datetime) -> list[Season]:
        """Seasons that are over and not archived. Of either length: operators may have changed it."""
        recorded = {season["_id"]: season.get("archivedAt") for season in self._standings.seasons()}
        found = []
        for length in LENGTHS:
            season = season_at(now, length)
            for _ in range(SEASONS_BACK[length]):
                season = season_before(season, length)
                over = now >= season.ends_at + GRACE
                if over and recorded.get(season.id) is None and self._was_played(season, recorded):
                    found.append(season)
        return sorted(found, key=lambda season: season.ends_at)

    def _was_played(self, season: Season, recorded: Mapping[str, Any]) -> bool:
        return season.id in recorded or self._standings.season_was_played(season.id)

    def _archive(self, season: Season, may_go_on: MayGoOn) -> tuple[bool, int]:
        """Whether the season is archived now, and how many final standings were written."""
        record = self._records.record(season)
        written = 0
        if ALL not in record.get("finished", ()):
            # Whoever is on any board is on this one: copying it finds the boards there are.
            done, written = self._copy(season, ALL, may_go_on)
            if not done:
                return False, written
            record = self._records.record(season)
        for board in sorted(set(record.get("boards", ())) - set(record.get("finished", ()))):
            done, count = self._copy(season, board, may_go_on)
            written += count
            if not done:
                return False, written
        self._records.close(season.id, self._clock())
        return True, written

    def _copy(self, season: Season, board: str, may_go_on: MayGoOn) -> tuple[bool, int]:
        place = (season.id, board)
        last = self._records.last_rank(place)
        rank = 0 if last is None else int(last["rank"])
        after = None if last is None else (Totals.read(last["totals"]).score, str(last["telegramId"]))
        written = 0
        while may_go_on():
            page = self._records.next_players(place, after, PAGE)
            finals = [
                (rank + position, str(player["telegramId"]), Totals.read(_sums(player, board)))
                for position, player in enumerate(page, 1)
            ]
            if finals:
                # The boards first: an interruption in between must not lose one.
                self._records.note(season.id, boards=_boards(page) if board == ALL else ())
                self._records.write(place, finals)
                rank, who, totals = finals[-1]
                after = (totals.score, who)
                written += len(finals)
            if len(page) < PAGE:
                self._records.note(season.id, boards=[board], finished=[board])
                return True, written
        return False, written


def _sums(player: Mapping[str, Any], board: str) -> Document:
    sums: Document = player["boards"][escaped(board)]
    return sums


def _boards(page: list[Mapping[str, Any]]) -> list[str]:
    return sorted({unescaped(name) for player in page for name in player["boards"]})
