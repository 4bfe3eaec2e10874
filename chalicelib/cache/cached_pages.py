"""The first rows of leaderboards, kept for seconds; whoever has just fought gets rows from after that battle."""

from collections.abc import Callable
from typing import Final

from chalicelib.arena.battle import BattleResult
from chalicelib.arena.leaderboard_ports import Ranking
from chalicelib.arena.moments import epoch_ms
from chalicelib.arena.ports import Document
from chalicelib.cache.cached_values import FINAL_PAGES, PAGES, Item
from chalicelib.cache.door import Command
from chalicelib.cache.keys import CACHE_FOUGHT
from chalicelib.cache.read_through import SKEW_MS, ReadThrough
from chalicelib.clock import Clock

LENGTHS: Final = (50, 100, 250, 500)
"""Pages of these lengths are kept, and shorter ones cut from them: players may ask for any number of rows."""


class CachedPages:
    """``leaderboard_ports.Pages``."""

    def __init__(self, reads: ReadThrough, database: str) -> None:
        self._reads = reads
        self._database = database

    def page(
        self, ranking: Ranking, limit: int, viewer: str | None, load: Callable[[int], list[Document]]
    ) -> list[Document]:
        length = next((length for length in LENGTHS if length >= limit), None)
        if length is None:
            return load(limit)
        cache = FINAL_PAGES if ranking.archived else PAGES
        item = Item(cache, str(length), f"{ranking.season or 'all-time'} {ranking.board} {ranking.metric}")
        fought = None if viewer is None or ranking.archived else fought_key(self._database, viewer)
        return self._reads.cached(item, lambda: load(length), newer_than=fought)[:limit]


class RecentFighters:
    """Notes when players fought, for as long as pages from before may be shown."""

    def __init__(self, database: str, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def note(self, result: BattleResult) -> Command:
        """What is told Redis of a battle. Lost, it costs the player a page up to ten seconds old."""
        key = fought_key(self._database, str(result.battle["ownerTelegramId"]))
        kept_ms = round(1000 * PAGES.lifetime.kept_seconds) + SKEW_MS
        return ("SET", key, epoch_ms(self._clock()), "PX", kept_ms)


def fought_key(database: str, telegram_id: str) -> str:
    return CACHE_FOUGHT.key(database, player=telegram_id)
