"""Keeps the final standings of seasons that are over.

Nobody resets anything: a season ends by the clock, and its sums stay on players' documents until their first battle
of the season after the next. Before that they are copied here, board by board, in the order of rank, in bounded
pages; an interrupted copy goes on behind the lowest rank it wrote. Repeating it writes the same again.

A season that was not copied in time is never declared archived: players who fought on have dropped it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.arena.leaderboard_ports import StandingsQueries
from chalicelib.arena.leaderboard_upkeep import MayGoOn
from chalicelib.arena.leaderboard_upkeep_ports import SeasonRecords
from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.arena.seasons import LENGTHS, Season, season_at, season_before, season_by_id, season_length, still_kept
from chalicelib.arena.standings import ALL, Totals, escaped, unescaped
from chalicelib.clock import Clock
from chalicelib.locks import Guard

GRACE: Final = timedelta(minutes=5)
"""A battle's time may be in the season and its commit a moment after; clocks differ, too."""

PAGE: Final = 500
"""Final standings written at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveReport:
    """What one run did."""

    current: str
    archived: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    """Seasons on record that were not archived in time."""
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

    def run(self, may_go_on: MayGoOn, guard: Guard | None = None) -> ArchiveReport:
        """Records the current season and archives ended ones, the oldest first, while there is time.

        Raises ``Unavailable``, and ``FencedOut`` when ``guard``'s lock has a newer holder.
        """
        records = self._records if guard is None else self._records.under(guard)
        now = self._clock()
        current = season_at(now, season_length(self._catalogue.economy_config()))
        records.record(current)
        recorded = {season["_id"]: season.get("archivedAt") for season in self._standings.seasons()}
        latest = self._latest(now)
        archived: list[str] = []
        unfinished: list[str] = []
        written = 0
        for season in self._ended(now, latest, recorded):
            done, count = self._archive(records, season, may_go_on)
            written += count
            (archived if done else unfinished).append(season.id)
        missed = [name for name, archived_at in recorded.items() if archived_at is None and _is_lost(name, latest)]
        return ArchiveReport(
            current=current.id,
            archived=tuple(archived),
            unfinished=tuple(unfinished),
            missed=tuple(sorted(missed)),
            written=written,
        )

    def _latest(self, now: datetime) -> Season:
        """Of the seasons that battles may have counted in by now, the one that began last.

        With the current one that is one of another length, if operators changed it after battles there.
        """
        latest = season_at(now, season_length(self._catalogue.economy_config()))
        for length in LENGTHS:
            season = season_at(now, length)
            while season.starts_at > latest.starts_at:
                if self._standings.season_was_played(season.id):
                    latest = season
                season = season_before(season, length)
        return latest

    def _ended(self, now: datetime, latest: Season, recorded: Mapping[str, Any]) -> list[Season]:
        """Seasons that are over, not archived, and still on the documents of all who fought in them.

        Of either length: operators may have changed it.
        """
        found = []
        for length in LENGTHS:
            season = season_before(season_at(now, length), length)
            while still_kept(season, latest):
                over = now >= season.ends_at + GRACE
                if over and recorded.get(season.id) is None and self._was_played(season, recorded):
                    found.append(season)
                season = season_before(season, length)
        return sorted(found, key=lambda season: season.ends_at)

    def _was_played(self, season: Season, recorded: Mapping[str, Any]) -> bool:
        return season.id in recorded or self._standings.season_was_played(season.id)

    def _archive(self, records: SeasonRecords, season: Season, may_go_on: MayGoOn) -> tuple[bool, int]:
        """Whether the season is archived now, and how many final standings were written."""
        record = records.record(season)
        written = 0
        if ALL not in record.get("finished", ()):
            # Whoever is on any board is on this one: copying it finds the boards there are.
            done, written = _copy(records, season, ALL, may_go_on)
            if not done:
                return False, written
            record = records.record(season)
        for board in sorted(set(record.get("boards", ())) - set(record.get("finished", ()))):
            done, count = _copy(records, season, board, may_go_on)
            written += count
            if not done:
                return False, written
        now = self._clock()
        if not still_kept(season, self._latest(now)):
            # The season after the next began meanwhile: its first battles may have come before the last page.
            return False, written
        records.close(season.id, now)
        return True, written


def _copy(records: SeasonRecords, season: Season, board: str, may_go_on: MayGoOn) -> tuple[bool, int]:
    place = (season.id, board)
    last = records.last_rank(place)
    rank = 0 if last is None else int(last["rank"])
    after = None if last is None else (Totals.read(last["totals"]).score, str(last["telegramId"]))
    written = 0
    while may_go_on():
        page = records.next_players(place, after, PAGE)
        finals = [
            (rank + position, str(player["telegramId"]), Totals.read(_sums(player, board)))
            for position, player in enumerate(page, 1)
        ]
        if finals:
            # The boards first: an interruption in between must not lose one.
            records.note(season.id, boards=_boards(page) if board == ALL else ())
            records.write(place, finals)
            rank, who, totals = finals[-1]
            after = (totals.score, who)
            written += len(finals)
        if len(page) < PAGE:
            records.note(season.id, boards=[board], finished=[board])
            return True, written
    return False, written


def _sums(player: Mapping[str, Any], board: str) -> Document:
    sums: Document = player["boards"][escaped(board)]
    return sums


def _is_lost(season_id: str, latest: Season) -> bool:
    season = season_by_id(season_id)
    return season is not None and not still_kept(season, latest)


def _boards(page: list[Mapping[str, Any]]) -> list[str]:
    return sorted({unescaped(name) for player in page for name in player["boards"]})
