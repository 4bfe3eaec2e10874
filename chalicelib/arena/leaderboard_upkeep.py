"""Keeps the sorted sets right: loads those that were lost, and mends what a lost write left behind.

It repeats safely and any number may run at once: values are only ever raised, and a set becomes complete by the mark
it was begun with. Stopped in the middle, the next run goes on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from chalicelib.arena.leaderboard_upkeep_ports import (
    CACHE_UNAVAILABLE,
    Board,
    RankSets,
    StandingsPages,
    expiry_of,
)
from chalicelib.arena.live_ports import LiveQueue
from chalicelib.arena.modes import LEAGUES
from chalicelib.arena.moments import as_moment
from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.arena.seasons import Season, season_at, season_length
from chalicelib.arena.standings import ALL, Standing, league_board, realm_board, standings_of
from chalicelib.clock import Clock
from chalicelib.errors import Unavailable
from chalicelib.locks import Guard

PAGE: Final = 2000
"""Players read at a time."""

OVERLAP: Final = timedelta(seconds=30)
"""Changes are looked at again this much later: a battle's time is a little before its commit, and clocks differ."""

LOOKBACK: Final = timedelta(hours=1)
"""What is looked at when nobody knows how far the last run came."""

ANNOUNCED: Final = timedelta(seconds=90)
"""Without sorted sets, boards changed within this are announced: a run's minute and some."""

MayGoOn = Callable[[], bool]
"""Whether there is time for another page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepReport:
    """What one run did."""

    redis: str
    """ok, absent (not configured) or unavailable."""
    reconciled: int = 0
    """Changed players looked at."""
    rebuilt: tuple[Board, ...] = ()
    unfinished: tuple[Board, ...] = ()
    announced: tuple[str, ...] = ()


class LeaderboardUpkeep:
    """``sets`` is None where there is no Redis, ``live`` where nobody can follow a board."""

    def __init__(
        self,
        pages: StandingsPages,
        catalogue: CatalogueQueries,
        clock: Clock,
        *,
        sets: RankSets | None,
        live: LiveQueue | None = None,
    ) -> None:
        self._pages = pages
        self._catalogue = catalogue
        self._clock = clock
        self._sets = sets
        self._live = live

    def run(self, may_go_on: MayGoOn, guard: Guard | None = None) -> UpkeepReport:
        """Mends, loads what is missing, announces what changed.

        Raises ``Unavailable`` when MongoDB is, ``FencedOut`` when ``guard``'s lock has a newer holder.
        """
        touched: set[str] = set()
        if self._sets is None:
            return UpkeepReport(redis="absent", announced=self._announce(self._touched_lately()))
        try:
            reconciled = self._reconcile(self._sets, touched, may_go_on, guard)
            missing = self._sets.incomplete(self.boards())
            rebuilt = tuple(board for board in missing if may_go_on() and self.load(board, may_go_on))
        except Unavailable as error:
            if error.code != CACHE_UNAVAILABLE:
                raise
            return UpkeepReport(redis="unavailable", announced=self._announce(self._touched_lately()))
        return UpkeepReport(
            redis="ok",
            reconciled=reconciled,
            rebuilt=rebuilt,
            unfinished=tuple(board for board in missing if board not in rebuilt),
            announced=self._announce(touched),
        )

    def boards(self) -> list[Board]:
        """Every board that has sorted sets: all, of each league and active realm; all-time and of this season."""
        leagues = sorted({*(league.name for league in LEAGUES), *self._pages.leagues()})
        realms = [str(realm["key"]) for realm in self._catalogue.active_realms()]
        names = [ALL, *map(league_board, leagues), *map(realm_board, realms)]
        return [(scope, name) for scope in (None, self._season().id) for name in names]

    def load(self, board: Board, may_go_on: MayGoOn, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Loads a board's sets; whether it came to the end, and the sets were not lost meanwhile.

        ``progress`` is told the number of players after each page.
        """
        sets = self._present()
        loading = sets.begin(board)
        while True:
            players = self._pages.players(board, loading.after, PAGE)
            if players:
                sets.load(board, players)
                progress(len(players))
                loading = replace(loading, after=players[-1][0])
            if len(players) < PAGE:
                return sets.complete(board, loading)
            if not may_go_on():
                sets.pause(board, loading)
                return False

    def rebuild(self, board: Board, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Loads a board's sets anew; meanwhile it is read from MongoDB."""
        self._present().forget(board)
        return self.load(board, lambda: True, progress)

    def _present(self) -> RankSets:
        if self._sets is None:
            raise Unavailable(CACHE_UNAVAILABLE, "no Redis is configured")
        return self._sets

    def _season(self) -> Season:
        return season_at(self._clock(), season_length(self._catalogue.economy_config()))

    def _reconcile(self, sets: RankSets, touched: set[str], may_go_on: MayGoOn, guard: Guard | None) -> int:
        """Raises the values of players changed since the last run; how many there were."""
        now = self._clock()
        until = sets.reconciled_until()
        moment = now - LOOKBACK if until is None else until - OVERLAP
        count = 0
        while True:
            changed = self._pages.changed_since(moment, PAGE)
            standings = [(str(user["telegramId"]), found) for user in changed for found in _standings(user, now)]
            sets.raise_to(standings)
            touched.update(found.board for _, found in standings)
            count += len(changed)
            if len(changed) < PAGE:
                sets.set_reconciled_until(now, guard)
                return count
            moment = _next_moment(changed, moment)
            sets.set_reconciled_until(moment, guard)
            if not may_go_on():
                return count

    def _touched_lately(self) -> set[str]:
        if self._live is None:
            return set()
        now = self._clock()
        changed = self._pages.changed_since(now - ANNOUNCED, PAGE)
        return {found.board for user in changed for found in _standings(user, now)}

    def _announce(self, touched: set[str]) -> tuple[str, ...]:
        boards = tuple(sorted(touched)) if self._live is not None else ()
        for board in boards:
            if self._live is not None:
                self._live.board(board)
        return boards


def _standings(user: Document, now: datetime) -> list[Standing]:
    """All-time, and of the seasons whose sets are kept: the last battles of one may have been lost as it ended."""
    seasons = [name for name in user.get("seasons") or {} if (expiry_of(name) or now) > now]
    return standings_of(user, (None, *seasons))


def _next_moment(changed: list[Document], moment: datetime) -> datetime:
    """Where the next page begins: with the last one's moment, which more players may share."""
    last = as_moment(changed[-1]["standingsAt"]) or moment
    # A whole page of one millisecond would repeat for ever.
    return last if last > moment else moment + timedelta(milliseconds=1)
