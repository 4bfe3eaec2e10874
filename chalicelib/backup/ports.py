"""What backups need: objects to keep them in, a database to read at one point, and one to write."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chalicelib.arena.ports import Document
from chalicelib.backup.manifest import Manifest, Point
from chalicelib.locks import Guard


class BackupError(Exception):
    """A backup was not made, or can't be used, or not restored; the text says why and what to do."""


class NoSuchObject(BackupError):
    """An object that should be there is missing."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key}: there is no such object")
        self.key = key


class StoreUnavailable(BackupError):
    """The store of objects did not do what was asked; trying again may help."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as a listing shows it."""

    key: str
    size: int


class ObjectStore(Protocol):
    """Objects by key. An object is there whole or not at all. Every method may raise ``StoreUnavailable``."""

    @property
    def where(self) -> str:
        """For people: ``s3://bucket/prefix``."""
        ...

    def put(self, key: str, body: bytes) -> None:
        """Stores ``body``; one of that key is replaced."""
        ...

    def get(self, key: str) -> bytes:
        """Raises ``NoSuchObject``."""
        ...

    def list(self, prefix: str) -> Iterator[Stored]:
        """In order of their keys."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Those that are not there are gone already."""
        ...


class Snapshot(Protocol):
    """A database as it was at one point, however long reading takes. Methods raise ``BackupError``."""

    @property
    def point(self) -> Point: ...

    @property
    def collections(self) -> Sequence[str]: ...

    def raw(self, collection: str) -> Iterator[bytes]:
        """All documents in order of ``_id``, as BSON, several at a time and whole ones."""
        ...

    def indexes(self) -> list[Document]:
        """{collection, name, key: [[field, direction]], options} of each."""
        ...

    def roles(self) -> list[Document]:
        """``regions`` as stored."""
        ...

    def newest_event(self) -> Document | None:
        """Of the outbox: {_id, occurredAt, changes?}."""
        ...

    def finish(self) -> None:
        """Raises ``BackupError`` if a collection was dropped while it was read."""
        ...


class SnapshotSource(Protocol):
    def opened(self) -> AbstractContextManager[Snapshot]: ...


class BackupLog(Protocol):
    """What the region knows of its backups."""

    def succeeded(self, manifest: Manifest, guard: Guard | None, now: datetime) -> None:
        """Raises ``FencedOut`` when a newer run has taken over, and ``Unavailable``."""
        ...

    def noted(self) -> str | None:
        """The id of the backup that succeeded last; None without any."""
        ...

    def last_success(self) -> datetime | None: ...


class RestoreTarget(Protocol):
    """A database that a backup is restored into, under other names until it is whole."""

    @property
    def where(self) -> str:
        """For people, without credentials."""
        ...

    def present(self) -> Mapping[str, int]:
        """Collections with documents, those left out of backups not counted, and about how many."""
        ...

    def leftovers(self) -> Sequence[str]:
        """Collections an earlier try has left, under their names while loading."""
        ...

    def mark(self) -> Document | None:
        """What is written of a restoration: {run, backup, state, …}."""
        ...

    def begin(self, mark: Mapping[str, Any], *, after: str | None) -> bool:
        """Writes ``mark`` over that of run ``after`` (None: over none); False when another is there by now."""
        ...

    def advance(self, run: str, state: str, **more: Any) -> bool:
        """Changes the mark of ``run``; False when it is another's by now."""
        ...

    def drop_leftovers(self) -> None: ...

    def insert(self, collection: str, documents: Sequence[bytes]) -> None: ...

    def raw(self, collection: str) -> Iterator[bytes]:
        """What was inserted, as ``Snapshot.raw``."""
        ...

    def index(self) -> None:
        """Makes the arena's indexes of what is loaded, but for those by which documents expire."""
        ...

    def publish(self, collection: str) -> None:
        """Gives the collection its name. Raises ``BackupError`` if there are documents under it."""
        ...

    def known_indexes(self) -> set[str]:
        """``collection.name`` of those the arena makes, and of every collection's own."""
        ...

    def roles(self) -> list[Document]:
        """``regions``, which a failover may have written meanwhile."""
        ...

    def write_role(self, role: Document) -> None: ...

    def complete(self) -> None:
        """Makes what is still missing of the arena's indexes."""
        ...


class ReplayTarget(Protocol):
    """The database being restored, to which events are applied."""

    def known(self, event_ids: Sequence[Any]) -> set[Any]:
        """Those it has told or applied already."""
        ...

    def apply(self, rows: Sequence[Document], now: datetime) -> list[Any]:
        """Applies outbox documents; the ids of those that came too early."""
        ...

    def share_anew(self, days: Sequence[str]) -> None:
        """What is left of these days' caps is shared out anew when it is next asked for."""
        ...
