"""What replication needs from storage and transport."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from chalicelib.arena.ports import Document, Outcome

T = TypeVar("T")

APPLIED: Final = "replicationevents"
"""Collection: one document per event of another region that was applied here, by event id, until ``expiresAt``."""
CONFLICTS: Final = "conflicts"
"""Collection: writes that lost, with both versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An envelope's content as the store's own values."""

    event_id: Any
    source_region: str
    version: str
    occurred_at: datetime
    changes: Sequence[Mapping[str, Any]]


Wanted = tuple[str, Mapping[str, Sequence[Any]]]
"""A collection, and by field a list of values: documents each of whose named fields has one of its values."""


class ReplicaSnapshot(Protocol):
    """Reads of one transaction."""

    def find_all(self, wanted: Sequence[Wanted]) -> list[list[Document]]:
        """For each of ``wanted``, in one round trip."""
        ...

    def economy_config(self) -> Document:
        """Empty for the defaults."""
        ...


class ReplicaStore(Protocol):
    """Transactions that apply what other regions did; they tell nobody. See ``arena.ports.Store``."""

    def transact(self, work: Callable[[ReplicaSnapshot], Outcome[T]]) -> T: ...
