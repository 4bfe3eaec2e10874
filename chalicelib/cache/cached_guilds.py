"""The lists of guilds, read through the cache."""

from typing import Final

from chalicelib.arena.guild_ports import GuildPool, GuildQueries
from chalicelib.arena.ports import Document
from chalicelib.cache.cached_values import GUILDS, Item
from chalicelib.cache.read_through import ReadThrough

LENGTHS: Final = (50, 200, 300)
"""Lists of these lengths are kept, and shorter ones cut from them."""


class CachedGuilds:
    """``guild_ports.GuildQueries``. A player's own guilds, and a guild's pool, are always read anew."""

    def __init__(self, guilds: GuildQueries, reads: ReadThrough) -> None:
        self._guilds = guilds
        self._reads = reads

    def ranked(self, limit: int) -> list[Document]:
        length = next((length for length in LENGTHS if length >= limit), None)
        if length is None:
            return self._guilds.ranked(limit)
        return self._reads.cached(Item(GUILDS, f"ranked {length}"), lambda: self._guilds.ranked(length))[:limit]

    def of_member(self, telegram_id: str, limit: int) -> list[Document]:
        return self._guilds.of_member(telegram_id, limit)

    def with_pool(self, guild_id: str) -> GuildPool | None:
        return self._guilds.with_pool(guild_id)
