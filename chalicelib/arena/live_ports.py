"""What live results need from the outside: a queue to announce on, connections, a way to reach them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from chalicelib.arena.ports import Document


class LiveQueue(Protocol):
    """Announces what players may want to see at once.

    Best effort: an announcement that can't be sent is logged, never raised. What it announces can always
    be read by the ordinary routes.
    """

    def result(self, telegram_id: str, request_id: str) -> None:
        """The battle ``request_id`` of the player ``telegram_id`` is decided: fought, refused or failed."""

    def board(self, board: str) -> None:
        """The leaderboard ``board`` (``all``, ``league:<league>``, ``realm:<key>``) has changed."""


class FollowersQueue(LiveQueue, Protocol):
    """The same queue as the pushing function sees it: work too much for one go is queued again."""

    def followers(self, board: str, season: str | None, after: str) -> None:
        """The followers of a leaderboard whose connection ids come after ``after`` are still to be told."""


class Connections(Protocol):
    """Who is connected. A connection lives until its ``expiresAt``; only living ones are ever returned."""

    def add(self, connection: Mapping[str, Any]) -> None:
        """Stores a connection under its ``_id``; the same one again changes nothing."""

    def seen(self, connection_id: str, now: datetime, expires_at: datetime) -> Document | None:
        """The connection, alive until ``expires_at`` from now on; None when it is gone."""

    def end(self, connection_id: str, now: datetime) -> None:
        """The connection is no more. Unknown ones are nothing to complain of."""

    def want_results(self, connection_id: str, wanted: bool, now: datetime) -> None:
        """Whether the connection gets its player's results."""

    def subscribe(self, connection_id: str, feed: str, now: datetime, *, most: int) -> bool:
        """Adds ``feed`` to the connection's; False when it would have more than ``most``, or is gone."""

    def unsubscribe(self, connection_id: str, feed: str, now: datetime) -> None: ...

    def living(self, now: datetime) -> int:
        """How many there are."""

    def of_player(self, telegram_id: str, now: datetime, limit: int) -> list[Document]:
        """The player's, newest first."""

    def subscribers(self, feed: str, now: datetime, *, after: str, limit: int) -> list[Document]:
        """Those subscribed to ``feed`` with ids above ``after``, by id."""

    def pushed(self, feed: str) -> str | None:
        """The digest of what was last pushed to the subscribers of ``feed``."""

    def remember_pushed(self, feed: str, digest: str, now: datetime) -> None: ...


class Delivery(Enum):
    """What became of a message to one connection."""

    DELIVERED = "delivered"
    GONE = "gone"
    FAILED = "failed"
    """Not delivered now; the connection may still be there."""


class ConnectionGateway(Protocol):
    """Reaches connections where they are held (their ``endpoint``)."""

    def post(self, connections: Sequence[Mapping[str, Any]], text: str) -> dict[str, Delivery]:
        """Sends ``text`` to each, side by side and within a bounded time; the outcome by connection id."""

    def close(self, connection: Mapping[str, Any]) -> None:
        """Closes it; best effort."""


@dataclass(frozen=True, slots=True)
class BoardTop:
    """The top of a leaderboard, as it is now."""

    season: str | None
    """The season's id; None for all time."""
    rows: list[Document]


class Boards(Protocol):
    """Leaderboards by score, as far as live updates show them."""

    def require(self, board: str) -> None:
        """Raises ``NotFound`` unless there is such a board."""

    def top(self, board: str, season: str | None, limit: int) -> BoardTop:
        """The best of ``board``, of all time (None) or of the ``current`` season. Raises ``Unavailable``."""


class Outcomes(Protocol):
    """Decided battles."""

    def of(self, telegram_id: str, request_id: str) -> Mapping[str, Any] | None:
        """``status`` with ``battle`` or ``error`` of the player's battle; None when there is nothing decided."""
