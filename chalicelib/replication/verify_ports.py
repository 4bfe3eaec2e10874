"""What ``verify`` needs of each region's database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chalicelib.arena.ports import Document
from chalicelib.replication.content import Key, Place
from chalicelib.replication.repair import Repair


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An event of a region's outbox: what it tells, and to whom it has not been sent yet."""

    event_id: Any
    pending: tuple[str, ...]
    changes: Sequence[Mapping[str, Any]]


class RepairSnapshot(Protocol):
    """Reads of the transaction that repairs."""

    def stored(self, collection: str, where: Mapping[str, Any]) -> Document | None:
        """The document with these values."""
        ...

    def money(self, telegram_ids: Sequence[str]) -> dict[str, Document]:
        """By player: {telegramId, balances, sums}; see ``content.offsets_of``."""
        ...


class RegionBooks(Protocol):
    """One region's database."""

    @property
    def region(self) -> str: ...

    def page(self, collection: str, after: Place | None, limit: int) -> tuple[list[Document], Place | None]:
        """The next documents in order, without what need not be compared, and the place to go on after (None: the
        end). ``content.BALANCES`` is a collection, too."""
        ...

    def named(self, collection: str, keys: Sequence[Key]) -> list[Document]:
        """Whole documents by what names them."""
        ...

    def identified(self, collection: str, ids: Sequence[Any]) -> list[Document]:
        """Whole documents by ``_id``."""
        ...

    def money(self, telegram_ids: Sequence[str]) -> dict[str, Document]:
        """As one moment has it; see ``RepairSnapshot.money``."""
        ...

    def damage(self, boss_id: Any) -> int:
        """The sum of a boss's damages."""
        ...

    def told(self, since: datetime, targets: Sequence[str]) -> list[Telling]:
        """Events that are not sent to all of ``targets``, and all events since then. Raises ``TooMuchUnderWay``."""
        ...

    def applied(self, event_ids: Sequence[Any]) -> set[Any]:
        """Those of ``event_ids`` that were applied here."""
        ...

    def wrong_standings(self, after: str) -> tuple[list[str], list[str]]:
        """The next players looked at by telegramId (none: the end), and those whose standings are not the sums of
        their battles."""
        ...

    def standings_of(self, telegram_ids: Sequence[str]) -> list[str]:
        """Those of ``telegram_ids`` whose standings are wrong."""
        ...

    def mend_standings(self, telegram_ids: Sequence[str]) -> list[str]:
        """Recomputes standings from battles; those that stay wrong."""
        ...

    def make(self, repair: Repair) -> bool:
        """Carries out a repair of a document, in a transaction; False when what it rests on has changed."""
        ...

    def new_id(self) -> Any: ...
