"""What operators' services need from storage."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from chalicelib.arena.ports import Document, Outcome

T = TypeVar("T")


class SignInTries(Protocol):
    """Counts sign-in attempts. What it is told names nobody: keys are keyed hashes."""

    def note(self, key: str, now: datetime, *, kept: int, expires_at: datetime) -> Sequence[datetime]:
        """Adds a try at ``now`` and gives the latest ``kept`` ones, this one included, oldest first.

        Tries of one key that come at once are all counted. Forgotten some time after ``expires_at``.
        """
        ...


class OperatorSnapshot(Protocol):
    """Reads inside one transaction."""

    def mode(self, mode_id: str) -> Document | None:
        """A game mode that is not deleted, by 24 hex digits."""
        ...

    def mode_of_key(self, key: str) -> Document | None:
        """Deleted ones included: a key is unique among all."""
        ...

    def economy_config(self) -> Document | None: ...


class OperatorStore(Protocol):
    """Transactions over what operators publish; see ``ports.Store`` for what they promise."""

    def new_id(self) -> Any: ...

    def config_id(self) -> Any:
        """The _id the one economyconfigs document gets where there is none yet."""
        ...

    def transact(self, work: Callable[[OperatorSnapshot], Outcome[T]]) -> T: ...


class OperatorQueries(Protocol):
    """Reads that need no transaction; all see what was just written."""

    def modes(self, *, arena: str | None, league: str | None, enabled: bool | None) -> list[Document]:
        """The first 1000 game modes that are not deleted, sorted by arena, league, key; None asks for any."""
        ...

    def economy_config(self) -> Document:
        """The economyconfigs document, or empty for the defaults."""
        ...

    def ledger(self, telegram_id: str | None, limit: int) -> list[Document]:
        """Ledger rows, newest first; of one player where given."""
        ...

    def actions(self, limit: int) -> list[Document]:
        """What operators changed, newest first."""
        ...
