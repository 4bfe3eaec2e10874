"""What publishing needs: the outbox, and a queue per region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from chalicelib.arena.ports import Document

CLAIMED: Final = timedelta(seconds=6)
"""How long claimed events are one publisher's. One that is slower sends duplicates; one that dies delays as long."""
COUNTED_MAX: Final = 100_000
"""More waiting events than that are not counted: it would take longer the longer a region is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What one region has not been sent."""

    events: int
    """At most ``COUNTED_MAX``."""
    oldest_at: datetime | None
    """When the oldest of them was committed; None when there are none."""
    set_aside: int
    """Events that can't be sent, besides."""


class Outbox(Protocol):
    """Committed events the other regions wait for. Every method may raise ``Unavailable``."""

    def claim(self, target: str, now: datetime, limit: int) -> list[Document]:
        """Up to ``limit`` events that ``target`` waits for, the oldest first, nobody else's for ``CLAIMED``.

        Only what a majority of the servers has is ever claimed: it can't be rolled back any more.
        """
        ...

    def sent(self, target: str, ids: Sequence[Any], now: datetime) -> None:
        """``target`` waits for these no longer. What nobody waits for is kept for ``outbox.KEPT`` more."""
        ...

    def set_aside(self, target: str, faults: Mapping[Any, str], now: datetime) -> None:
        """These, by id, can't be sent to ``target``, and why: they are kept, and no longer claimed."""
        ...

    def waiting(self, target: str) -> Waiting: ...
