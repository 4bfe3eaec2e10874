"""What is cached and for how long, and what makes it untrue, as data.

Nothing a battle or any other write decides on is here: those read the database inside their transaction. Nor are
balances, brokers or whatever else is a player's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.cache.freshness import Lifetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Values of one kind, kept and dropped together."""

    name: str
    lifetime: Lifetime
    entity: str | None
    """Whose changes make it untrue; None = only time does."""
    names_max: int = 8
    """Most values in it, where their names come from outside."""


@dataclass(frozen=True, slots=True)
class Item:
    """One cached value. Items of one cache and part lie in one hash and are dropped together."""

    cache: Cache
    name: str
    part: str = ""


def _minutes(minutes: float) -> Lifetime:
    return Lifetime(ttl_seconds=60 * minutes, stale_seconds=30, absent_seconds=30)


MODES: Final = Cache(name="modes", lifetime=_minutes(10), entity="game_mode")
LEAGUES: Final = Cache(name="leagues", lifetime=_minutes(10), entity="game_mode", names_max=64)
"""Whether a league has a mode. Players name leagues, so that most names may be of none."""
CONFIG: Final = Cache(name="config", lifetime=_minutes(10), entity="economy_config")
REALMS: Final = Cache(
    name="realms", lifetime=Lifetime(ttl_seconds=60, stale_seconds=10, absent_seconds=30), entity="realm"
)
"""Realms are changed in the database by hand: nobody tells of it, so their time is short."""
SEASONS: Final = Cache(
    name="seasons", lifetime=Lifetime(ttl_seconds=60, stale_seconds=10, absent_seconds=30), entity="season"
)
GUILDS: Final = Cache(
    name="guilds", lifetime=Lifetime(ttl_seconds=30, stale_seconds=5, absent_seconds=5), entity="guild"
)
PAGES: Final = Cache(name="pages", lifetime=Lifetime(ttl_seconds=5, stale_seconds=5, absent_seconds=5), entity=None)
"""Every battle changes some: time alone ends them, and who has just fought is not shown one."""
FINAL_PAGES: Final = Cache(
    name="final_pages", lifetime=Lifetime(ttl_seconds=60, stale_seconds=30, absent_seconds=5), entity=None
)
"""Of archived seasons: only names and badges may still change."""

CACHES: Final = (MODES, LEAGUES, CONFIG, REALMS, SEASONS, GUILDS, PAGES, FINAL_PAGES)

INVALIDATES: Final[Mapping[str, tuple[Cache, ...]]] = {
    "game_mode": (MODES, LEAGUES),
    "economy_config": (CONFIG,),
    "realm": (REALMS,),
    "season": (SEASONS,),
    "guild": (GUILDS,),
}
"""What a change of an entity (as the outbox names it) makes untrue. Each cache is one key: nothing is searched for.

Players are not among them: their names and badges are shown on pages only, whose own time is seconds.
"""

COLLECTIONS: Final[Mapping[str, str]] = {
    "gamemodes": "game_mode",
    "economyconfigs": "economy_config",
    "realms": "realm",
    "seasons": "season",
    "guilds": "guild",
}
"""The entity whose documents a collection holds. The others' are in no cache that writes invalidate."""

DURABLE: Final = frozenset({"game_mode", "economy_config"})
"""Entities whose epoch changes in the very transaction that changes them, so that no failure after it is felt for
longer than ``MARK_SECONDS``. Only what seldom changes: all changes of one entity meet in one document."""

MARK_SECONDS: Final = 5.0
"""How long an entity's epoch, read from the database, is believed."""
