"""What settling follow-ups needs from storage."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from chalicelib.arena.ports import Document, Outcome
from chalicelib.locks import Guard

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFollowUps:
    """Events with unsettled follow-ups, and what of them is done already."""

    events: Sequence[Document]
    """outbox documents, the longest due first."""
    paid: Set[tuple[str, str, str]]
    """(sourceId, telegramId, currency) of the creator_earnings rows these events already have."""
    struck: Set[tuple[Any, Any]]
    """(bossId, battleId) of the damage already recorded."""
    bosses: Mapping[Any, Document]
    """By id; one that does not exist is absent."""


class FollowUpSnapshot(Protocol):
    """Reads inside one transaction."""

    def due(self, now: datetime, limit: int) -> DueFollowUps: ...


class FollowUpStore(Protocol):
    """Transactions over follow-ups; see ``ports.Store`` for what they promise.

    With a ``guard`` only the newest holder of its lock writes; any other gets ``FencedOut``.
    """

    def new_id(self) -> Any: ...

    def transact(self, work: Callable[[FollowUpSnapshot], Outcome[T]], guard: Guard | None = None) -> T: ...
