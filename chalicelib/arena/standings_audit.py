"""Compares players' standings with their battles, and the sorted sets with players' standings; mends the former.

A database that comes from the running game has battles and no standings: mending gives every player theirs. It may
run while battles are fought: a player whose number of battles changes meanwhile is looked at again.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from chalicelib.arena.leaderboard_upkeep_ports import Board, RankSets, StandingsPages
from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.arena.seasons import Season, season_at, season_by_id, season_length
from chalicelib.arena.standings import (
    ALL,
    METRICS,
    Totals,
    escaped,
    league_board,
    realm_board,
    realms_of,
    seasons_kept,
    standings_of,
)
from chalicelib.clock import Clock

PAGE: Final = 200
SETS_PAGE: Final = 2000
TRIES_MAX: Final = 5
EXAMPLES_MAX: Final = 10
_REALM: Final = realm_board("")

Boards = Mapping[tuple[str | None, str], Totals]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Sum:
    """A player's battles of one league and season."""

    telegram_id: str
    league: str
    season: str
    totals: Totals


class StandingsBooks(Protocol):
    """Players and battles, in pages."""

    def players(self, after: str, limit: int) -> list[Document]:
        """The next players by telegramId: {telegramId, totals, seasons, realmProgress}."""
        ...

    def named(self, telegram_ids: Sequence[str]) -> list[Document]: ...

    def sums(self, telegram_ids: Sequence[str], length: str) -> list[Sum]: ...

    def replace(self, player: Document, changes: Document) -> bool:
        """Sets ``changes`` if the player has as many battles counted as when ``player`` was read."""
        ...


@dataclass(slots=True)
class AuditReport:
    """What was found."""

    players: int = 0
    wrong: int = 0
    """Players whose standings are not the sums over their battles."""
    mended: int = 0
    examples: list[str] = field(default_factory=list)
    """telegramIds of the first who were wrong."""


@dataclass(slots=True)
class SetReport:
    """One board's sets beside the players' standings."""

    season: str | None
    board: str
    complete: bool
    players: int = 0
    behind: int = 0
    """Values missing or lower than the player's."""
    ahead: int = 0
    """Values higher than the player's."""
    strangers: int = 0
    """Members that are no players of the board."""

    @property
    def right(self) -> bool:
        return self.complete and not (self.behind or self.ahead or self.strangers)


class StandingsAudit:
    """Audits one database."""

    def __init__(self, books: StandingsBooks, catalogue: CatalogueQueries, clock: Clock) -> None:
        self._books = books
        self._catalogue = catalogue
        self._clock = clock

    def run(self, *, mend: bool, progress: Progress = lambda _: None) -> AuditReport:
        """Looks at every player, and mends what is wrong if asked to. Raises ``Unavailable``."""
        length = self._length()
        report = AuditReport()
        after = ""
        while True:
            page = self._books.players(after, PAGE)
            self._look(page, length, report, mend=mend)
            report.players += len(page)
            progress(len(page))
            if len(page) < PAGE:
                return report
            after = str(page[-1]["telegramId"])

    def page(self, after: str) -> tuple[list[str], list[str]]:
        """The next players by telegramId, none at the end; and those of them whose standings are wrong."""
        players = {str(player["telegramId"]): player for player in self._books.players(after, PAGE)}
        return list(players), sorted(self._wrong(players, self._length()))

    def wrong(self, telegram_ids: Sequence[str]) -> list[str]:
        """Those of ``telegram_ids`` whose standings are wrong."""
        found: list[str] = []
        for start in range(0, len(telegram_ids), PAGE):
            named = self._books.named(telegram_ids[start : start + PAGE])
            found += sorted(self._wrong({str(player["telegramId"]): player for player in named}, self._length()))
        return found

    def mend(self, telegram_ids: Sequence[str]) -> list[str]:
        """Mends standings; those of ``telegram_ids`` that stay wrong, because battles kept coming."""
        for start in range(0, len(telegram_ids), PAGE):
            page = self._books.named(telegram_ids[start : start + PAGE])
            self._look(page, self._length(), AuditReport(), mend=True)
        return self.wrong(telegram_ids)

    def _length(self) -> str:
        return season_length(self._catalogue.economy_config())

    def _look(self, page: list[Document], length: str, report: AuditReport, *, mend: bool) -> None:
        players = {str(player["telegramId"]): player for player in page}
        wrong = self._wrong(players, length)
        report.wrong += len(wrong)
        report.examples += sorted(wrong)[: EXAMPLES_MAX - len(report.examples)]
        for _ in range(TRIES_MAX if mend else 0):
            if not wrong:
                return
            done = {
                who
                for who, boards in wrong.items()
                if self._books.replace(players[who], _stored(boards, self._clock()))
            }
            report.mended += len(done)
            # A battle came in between for the others.
            players = {str(player["telegramId"]): player for player in self._books.named(sorted(set(wrong) - done))}
            wrong = self._wrong(players, length)

    def _wrong(self, players: Mapping[str, Document], length: str) -> dict[str, Boards]:
        """What the standings should be, of those whose are not."""
        current = season_at(self._clock(), length)
        expected = _expected(players, self._books.sums(list(players), length), current, length) if players else {}
        return {who: boards for who, boards in expected.items() if not _agrees(players[who], boards, current)}


def compare(sets: RankSets, pages: StandingsPages, board: Board, progress: Progress = lambda _: None) -> SetReport:
    """A board's sets beside the players' standings. Raises ``Unavailable``."""
    report = SetReport(*board, complete=board not in sets.incomplete([board]))
    after = ""
    while report.complete:
        page = pages.players(board, after, SETS_PAGE)
        for metric in METRICS if page else ():
            for (_, totals), value in zip(page, sets.values(board, metric, [who for who, _ in page]), strict=True):
                report.behind += value is None or value < totals.by(metric)
                report.ahead += value is not None and value > totals.by(metric)
        report.players += len(page)
        progress(len(page))
        if len(page) < SETS_PAGE:
            break
        after = page[-1][0]
    if report.complete:
        report.strangers = sum(max(0, sets.size(board, metric) - report.players) for metric in METRICS)
    return report


def _expected(
    players: Mapping[str, Document], sums: Sequence[Sum], current: Season, length: str
) -> dict[str, dict[tuple[str | None, str], Totals]]:
    """Every player's standings by their battles: all-time, of the current season and of the one before it.

    What they hold of seasons of another length stays: when the length changed, and so which battles count in which,
    nothing tells.
    """
    found: dict[str, dict[tuple[str | None, str], Totals]] = {who: defaultdict(Totals) for who in players}
    for one in sums:
        for season in (None, *seasons_kept([one.season], current)):
            for board in (ALL, league_board(one.league)):
                found[one.telegram_id][season, board] += one.totals
    for who, boards in found.items():
        for (season, board), totals in list(boards.items()):
            if board == ALL:
                boards |= {(season, realm_board(key)): totals for key in realms_of(players[who])}
        others = [name for name in seasons_kept(_seasons(players[who]), current) if not _is_of_length(name, length)]
        boards |= {(held.season, held.board): held.totals for held in standings_of(players[who], others)}
    return found


def _agrees(player: Document, expected: Boards, current: Season) -> bool:
    """Whether a player's document says so, seasons aside that the next battle drops.

    A realm joined since the last battle comes with the next one.
    """
    scopes = (None, *seasons_kept(_seasons(player), current))
    held = {(found.season, found.board): found.totals for found in standings_of(player, scopes)}
    joined = {key for key in expected if key[1].startswith(_REALM) and key not in held}
    return held == {key: totals for key, totals in expected.items() if key not in joined}


def _seasons(player: Document) -> list[str]:
    seasons = player.get("seasons")
    return list(seasons) if isinstance(seasons, Mapping) else []


def _stored(boards: Boards, now: datetime) -> Document:
    """The fields of a player's document."""
    totals: dict[str, Any] = {}
    seasons: dict[str, Any] = {}
    for (season, board), sums in boards.items():
        scope = totals if season is None else seasons.setdefault(season, {})
        scope[escaped(board)] = sums.fields()
    return {"totals": totals, "seasons": seasons, "standingsAt": now}


def _is_of_length(season_id: str, length: str) -> bool:
    season = season_by_id(season_id)
    return season is not None and season_at(season.starts_at, length) == season
