"""Loads into the cache what is asked for most, before it is asked for: after a deployment, and by the clock."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from chalicelib.arena.leaderboard_service import BoardQuery, LeaderboardService
from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.arena.standings import METRICS
from chalicelib.cache.cached_guilds import CachedGuilds
from chalicelib.cache.read_through import ReadThrough
from chalicelib.errors import ArenaError
from chalicelib.locks import Guard

AHEAD_SECONDS: Final = 330.0
"""What ends within this is loaded anew: a little more than the time between two runs."""
ROWS: Final = 50
"""Of a page: what players get who don't say how many."""
GUILDS: Final = (50, 200)
"""Lengths of the two lists of guilds where nothing is said."""

Task = tuple[str, Callable[[], object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmReaders:
    """What reads through the cache, ahead of time."""

    catalogue: CatalogueQueries
    guilds: CachedGuilds
    leaderboards: LeaderboardService


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmingReport:
    """What one run did."""

    cache: Literal["ok", "away", "absent"]
    loaded: int = 0
    """Values loaded, those shared by several lists included."""
    kept: int = 0
    """Values that will be good for long enough."""
    failed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """What there was no time for."""


class CacheWarming:
    """Warms what ``readers`` read, given a reader to read with. Runs may be repeated and may overlap."""

    is_configured: Final = True

    def __init__(self, reads: ReadThrough, readers: Callable[[ReadThrough], WarmReaders]) -> None:
        self._reads = reads
        self._readers = readers

    def run(self, may_go_on: Callable[[], bool], _guard: Guard | None = None) -> WarmingReport:
        results: Counter[str] = Counter()
        failed, left = [], []
        readers = self._readers(self._reads.ahead(AHEAD_SECONDS, lambda _cache, result: results.update([result])))
        for name, warm in tasks(readers):
            if results["degraded"] or not may_go_on():
                left.append(name)
                continue
            try:
                warm()
            except ArenaError:
                failed.append(name)
        return WarmingReport(
            cache="away" if results["degraded"] else "ok",
            loaded=results["miss"],
            kept=results["hit"],
            failed=tuple(failed),
            left=tuple(left),
        )


class NoWarming:
    """Where there is no Redis."""

    is_configured: Final = False

    def run(self, _may_go_on: Callable[[], bool], _guard: Guard | None = None) -> WarmingReport:
        return WarmingReport(cache="absent")


def tasks(readers: WarmReaders) -> Iterator[Task]:
    """By name, the most wanted first."""
    modes: list[Document] = []
    yield "modes", lambda: modes.extend(readers.catalogue.enabled_modes(None, None))
    yield "config", readers.catalogue.economy_config
    yield "realms", readers.catalogue.active_realms
    yield "page score", partial(_page, readers, BoardQuery())
    yield "page score of the season", partial(_page, readers, BoardQuery(season="current"))
    yield "seasons", readers.leaderboards.seasons
    for length in GUILDS:
        yield f"guilds {length}", partial(readers.guilds.ranked, length)
    for metric in METRICS[1:]:
        yield f"page {metric}", partial(_page, readers, BoardQuery(by=metric))
    for league in sorted({str(mode["league"]) for mode in modes if mode.get("league")}):
        yield f"page of league {league}", partial(_page, readers, BoardQuery(league=league))


def _page(readers: WarmReaders, query: BoardQuery) -> object:
    return readers.leaderboards.leaderboard(query, ROWS)
