"""What guilds need from storage and from the leaderboards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from chalicelib.arena.ports import Document, Outcome

T = TypeVar("T")


class RankQuery(Protocol):
    """Tells how good a player is."""

    def score_rank(self, telegram_id: str) -> int:
        """1 + how many players have a strictly higher all-time score; 1 is the best."""
        ...


class GuildSnapshot(Protocol):
    """Reads inside one transaction. Ids are 24 hex digits."""

    def guild(self, guild_id: str) -> Document | None:
        """Active or not."""
        ...

    def guild_named(self, name: str) -> Document | None:
        """Active or not: a name is unique among all."""
        ...

    def broker(self, broker_id: str) -> Document | None:
        """A living broker."""
        ...

    def pool(self, guild_id: Any) -> Sequence[Document]:
        """Living brokers whose guildId is ``guild_id`` (a document's ``_id``)."""
        ...

    def economy_config(self) -> Document:
        """The economyconfigs document, or empty for the defaults."""
        ...


class GuildStore(Protocol):
    """Transactions over guilds; see ``ports.Store`` for what they promise."""

    def new_id(self) -> Any: ...

    def transact(self, work: Callable[[GuildSnapshot], Outcome[T]]) -> T: ...


@dataclass(frozen=True, slots=True)
class GuildPool:
    """A guild and the living brokers whose guildId it is, in any order."""

    guild: Document
    brokers: Sequence[Document]


class GuildQueries(Protocol):
    """Reads that need no transaction; all see what was just written."""

    def ranked(self, limit: int) -> list[Document]:
        """The first ``limit`` active guilds by boostCount, then newest."""
        ...

    def of_member(self, telegram_id: str, limit: int) -> list[Document]:
        """The newest ``limit`` active guilds the player is a member of, newest first."""
        ...

    def with_pool(self, guild_id: str) -> GuildPool | None:
        """A guild, active or not, by 24 hex digits."""
        ...
