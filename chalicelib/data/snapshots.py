"""A database as it was at one point, on MongoDB: what backups read.

A snapshot session (MongoDB 5.0) shows one point of the set's time in every read, from a secondary too, for as long as
the server keeps it: ``minSnapshotHistoryWindowInSeconds``, 300 by default. After that reads fail; they never show
another point.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pymongo
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import OperationFailure

from chalicelib.arena.outbox import COLLECTION as OUTBOX
from chalicelib.arena.ports import Document
from chalicelib.backup.manifest import Point
from chalicelib.backup.ports import BackupError
from chalicelib.data.faults import translated
from chalicelib.data.pools import PoolName, Pools
from chalicelib.replication.regions import COLLECTION as ROLES

BATCH_DOCUMENTS: Final = 5_000
BATCH_SECONDS: Final = 30.0
"""For one batch; a backup's own time is bounded by who takes it."""
_SNAPSHOT_TOO_OLD: Final = 239
_SNAPSHOT_UNAVAILABLE: Final = 246
_TRIES: Final = 3


class SnapshotLost(BackupError):
    """The server can't show the point any more."""


class CollectionsChanged(BackupError):
    """A collection was made or dropped meanwhile: what was read may not be all there was."""


class MongoSnapshotSource:
    """``SnapshotSource``."""

    def __init__(
        self, pools: Pools, database: str, pool: PoolName = "analytics", *, batch: int = BATCH_DOCUMENTS
    ) -> None:
        self._pools = pools
        self._database = database
        self._pool: PoolName = pool
        self._batch = batch

    @contextlib.contextmanager
    def opened(self) -> Iterator["MongoSnapshot"]:
        client = self._pools.client(self._pool)
        with client.start_session(snapshot=True) as session:
            yield MongoSnapshot(client[self._database], session, self._batch)


class MongoSnapshot:
    """``Snapshot``: its point is that of the first read."""

    def __init__(self, database: Database[Document], session: ClientSession, batch: int) -> None:
        self._batch = batch
        self._database = database
        self._session = session
        for _ in range(_TRIES):
            before = self._listed()
            self._newest = self._newest_event()
            self._listing = self._listed()
            if before == self._listing:
                break
        else:
            raise CollectionsChanged(f"{database.name}: collections come and go; try again")

    @property
    def point(self) -> Point:
        # The driver has no other word for it; it is what the server answered to the session's first read.
        found: Any = self._session._snapshot_time
        return Point(found.time, found.inc)

    @property
    def collections(self) -> Sequence[str]:
        return sorted(self._listing)

    def raw(self, collection: str) -> Iterator[bytes]:
        with _told():
            found = self._database[collection].find_raw_batches(
                sort=[("_id", 1)], session=self._session, batch_size=self._batch
            )
            with contextlib.closing(found):
                while True:
                    with pymongo.timeout(BATCH_SECONDS):
                        raw: Any = next(found, None)
                    if raw is None:
                        return
                    if raw:
                        yield raw

    def indexes(self) -> list[Document]:
        return [
            {
                "collection": name,
                "name": index["name"],
                "key": [[field, direction] for field, direction in index["key"].items()],
                "options": {option: value for option, value in index.items() if option not in ("v", "key", "name")},
            }
            for name in self.collections
            for index in self._database[name].list_indexes()
        ]

    def roles(self) -> list[Document]:
        with _told():
            return list(self._database[ROLES].find(session=self._session)) if ROLES in self._listing else []

    def newest_event(self) -> Document | None:
        return self._newest

    def finish(self) -> None:
        now = self._listed()
        gone = sorted(name for name, identity in self._listing.items() if now.get(name) != identity)
        if gone:
            raise CollectionsChanged(f"{self._database.name}: {', '.join(gone)} went while it was read")

    def _newest_event(self) -> Document | None:
        # The first read, also of a collection that is not there: it fixes the point.
        with _told(), pymongo.timeout(BATCH_SECONDS):
            return self._database[OUTBOX].find_one(
                projection={"occurredAt": 1, "changes": 1}, sort=[("_id", -1)], session=self._session
            )

    def _listed(self) -> dict[str, Any]:
        """Name → identity; views and what is the server's are left out."""
        with _told(), pymongo.timeout(BATCH_SECONDS):
            return {
                found["name"]: found.get("info", {}).get("uuid")
                for found in self._database.list_collections()
                if found.get("type") == "collection" and not found["name"].startswith("system.")
            }


@contextlib.contextmanager
def _told() -> Iterator[None]:
    with translated():
        try:
            yield
        except OperationFailure as error:
            if error.code == _SNAPSHOT_TOO_OLD:
                raise SnapshotLost(
                    "the server does not keep the snapshot's point any more: reading took longer than its "
                    "minSnapshotHistoryWindowInSeconds; nothing of the backup is kept"
                ) from error
            if error.code == _SNAPSHOT_UNAVAILABLE:
                raise CollectionsChanged("a collection was made while it was read: try again") from error
            raise
