"""Backups for tests: of databases that are made up, and of real ones."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.backup.manifest import CollectionRecord, Manifest, Part, Point
from chalicelib.backup.naming import BackupName
from chalicelib.backup.ports import ObjectStore
from chalicelib.backup.replaying import EventSource, Replay
from chalicelib.backup.restoring import Restored, Restorer
from chalicelib.backup.scope import is_kept
from chalicelib.backup.shelf import Shelf
from chalicelib.backup.taking import Backups
from chalicelib.clock import Clock, system_clock
from chalicelib.data.indexes import INDEXES, Index
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.restores import MongoReplay, MongoRestoreTarget
from chalicelib.data.snapshots import MongoSnapshotSource

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
REGION = "us-east-1"
POINT = Point(1_796_020_685, 7)
SMALL_PARTS = 10_000
"""Bytes: several parts of a small collection."""


def manifest() -> Manifest:
    """Of two documents in two parts."""
    parts = (Part(1, 5, 25, "a" * 64), Part(1, 12, 32, "b" * 64))
    return Manifest(
        name=BackupName(REGION, "arena", "20261123T120000Z-0123abcd"),
        point=POINT,
        started_at=NOON,
        finished_at=NOON,
        collections=(CollectionRecord("users", 2, 17, "c" * 64, parts),),
        indexes=[{"collection": "users", "name": "a_1", "key": [["a", 1]], "options": {"unique": True}}],
        regions=(REGION, "eu-west-1"),
        roles=[{"region": REGION, "servedBy": REGION, "epoch": 0, "url": None}],
        outbox={"id": "5f0c2a115f0c2a115f0c2a11", "occurredAt": "2026-11-23T12:00:00.000Z", "tells": True},
        left_out=("fences",),
    )


@dataclass
class PaperSnapshot:
    """``Snapshot`` and ``SnapshotSource`` of documents already encoded, by collection."""

    documents: dict[str, list[bytes]]
    during: Callable[[str], None] = lambda _collection: None
    """Called before each collection is read."""
    point: Point = POINT
    stored_roles: list[Document] = field(default_factory=list)

    @contextmanager
    def opened(self) -> Iterator["PaperSnapshot"]:
        yield self

    @property
    def collections(self) -> Sequence[str]:
        return sorted(self.documents)

    def raw(self, collection: str) -> Iterator[bytes]:
        self.during(collection)
        yield from self.documents[collection]

    def indexes(self) -> list[Document]:
        return []

    def roles(self) -> list[Document]:
        return self.stored_roles

    def newest_event(self) -> Document | None:
        return None

    def finish(self) -> None:
        pass


def token() -> str:
    return secrets.token_hex(4)


@dataclass
class BackedUp:
    """One real database, where its backups lie, and where they are restored to."""

    uri: str
    database: str
    objects: ObjectStore
    regions: tuple[str, ...] = ()
    clock: Clock = system_clock
    part_bytes: int = SMALL_PARTS
    batch: int = 20
    target: type[MongoRestoreTarget] = MongoRestoreTarget
    indexes: Sequence[Index] = tuple(index for index in INDEXES if index.collection in ("users", "battles"))
    """Making all of them takes longer than the rest."""
    pools: Pools = field(init=False)

    def __post_init__(self) -> None:
        self.pools = Pools(self.uri, without_secondaries(ENVIRONMENT_POOLS))

    def close(self) -> None:
        self.pools.close()

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.objects)

    def take(self, told: Callable[[str, int], None] = lambda _what, _more: None) -> Manifest:
        source = MongoSnapshotSource(self.pools, self.database, batch=self.batch)
        backups = Backups(
            source,
            self.objects,
            self.clock,
            token,
            region=REGION,
            database=self.database,
            regions=self.regions,
            part_bytes=self.part_bytes,
        )
        return backups.take(lambda: True, told)

    def restore(
        self,
        manifest: Manifest,
        into: str,
        *,
        sources: Sequence[EventSource] = (),
        until: datetime | None = None,
        again: bool = False,
        told: Callable[[str, int], None] = lambda _what, _more: None,
    ) -> Restored:
        target = self.target(self.pools, into, into, self.indexes)
        restorer = Restorer(self.shelf, target, self.clock, run=secrets.token_hex(8), told=told)
        replay = Replay(sources, MongoReplay(self.pools, into, REGION), REGION) if sources else None
        return restorer.restore(manifest, replay, until=until, again=again)


def whole(database: Database[Any]) -> dict[str, list[bytes]]:
    """Everything that a backup holds, as it is stored; collections without documents left out."""
    raw = database.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))
    found = {
        name: [bytes(one.raw) for one in raw[name].find(sort=[("_id", 1)])]
        for name in database.list_collection_names()
        if is_kept(name)
    }
    return {name: documents for name, documents in found.items() if documents}
