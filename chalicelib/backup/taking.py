"""Takes a backup: one consistent snapshot, in parts, the manifest last.

A run reads within the time in which the server can still show its point (300 s by default) and its function lives; one
that does not get to its end has made nothing. Two runs at once write different objects, and both are backups.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from chalicelib.backup import codec
from chalicelib.backup.keeping import BackupPlan, is_dead, is_due, surplus
from chalicelib.backup.manifest import CollectionRecord, Manifest, Part, encoded
from chalicelib.backup.naming import BackupName, data_of, new_name, of_part
from chalicelib.backup.ports import BackupError, BackupLog, ObjectStore, Snapshot, SnapshotSource
from chalicelib.backup.scope import LEFT_OUT, is_kept
from chalicelib.backup.shelf import Shelf
from chalicelib.clock import Clock
from chalicelib.locks import Guard
from chalicelib.replication.conversion import iso
from chalicelib.replication.regions import role

PART_BYTES: Final = 8 * 1024 * 1024
"""A part is closed when it holds so much, uncompressed: what a run holds in memory at a time, with one more batch."""
DELETED_MAX: Final = 5000
"""Objects a scheduled run deletes at most; the next goes on."""

GoOn = Callable[[], bool]


class OutOfTime(BackupError):
    """The run had to end before it was whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What a scheduled run did."""

    backup: str = ""
    """Empty: none was due."""
    documents: int = 0
    bytes: int = 0
    stored: int = 0
    objects: int = 0
    seconds: float = 0.0
    kept: int = 0
    deleted: int = 0
    """Backups that no rule keeps, and dead runs' leftovers."""


class Backups:
    """One database's backups in one store. ``regions`` are those that converge with it, itself among them."""

    def __init__(
        self,
        source: SnapshotSource,
        objects: ObjectStore,
        clock: Clock,
        token: Callable[[], str],
        *,
        region: str,
        database: str,
        regions: tuple[str, ...] = (),
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._source = source
        self._objects = objects
        self._shelf = Shelf(objects)
        self._clock = clock
        self._token = token
        self._region = region
        self._database = database
        self._regions = regions
        self._part_bytes = part_bytes

    def run(self, plan: BackupPlan, log: BackupLog, go_on: GoOn, guard: Guard | None) -> BackupReport:
        """Takes one if it is due, notes it, deletes what no rule keeps. Raises as ``take`` does, and ``FencedOut``."""
        names = self._shelf.names(self._region, self._database)
        newest = max(names, default=None)
        if newest is not None and not is_due(newest, self._clock(), plan.every):
            if log.noted() != newest.id:
                # Whoever took it died, or was overtaken, before that.
                log.succeeded(self._shelf.manifest(newest), guard, self._clock())
            return BackupReport(kept=len(names))
        manifest = self.take(go_on)
        log.succeeded(manifest, guard, self._clock())
        kept, deleted = self.tidy(plan)
        return BackupReport(
            backup=manifest.name.id,
            documents=manifest.documents,
            bytes=manifest.bytes,
            stored=manifest.stored,
            objects=len(manifest.keys) + 1,
            seconds=round((manifest.finished_at - manifest.started_at).total_seconds(), 3),
            kept=kept,
            deleted=deleted,
        )

    def take(self, go_on: GoOn, told: Callable[[str, int], None] = lambda _what, _more: None) -> Manifest:
        """A whole backup; ``told`` hears of each part: its collection, and how many documents.

        Raises ``BackupError`` and ``Unavailable``; what was written is taken away then, as far as that can be done.
        """
        name = new_name(self._region, self._database, self._clock(), self._token())
        try:
            with self._source.opened() as snapshot:
                manifest = self._taken(name, snapshot, go_on, told)
            self._require_parts(manifest)
        except Exception:
            self._take_away(name)
            raise
        # Nothing is taken away if this fails: it may have been stored all the same, and is a whole backup then.
        self._objects.put(name.manifest_key, encoded(manifest))
        return manifest

    def tidy(self, plan: BackupPlan) -> tuple[int, int]:
        """Deletes backups that no rule keeps, and parts of dead runs; (backups left, deleted)."""
        names = self._shelf.names(self._region, self._database)
        gone = surplus(names, plan.keep)
        for name in gone:
            # The manifest first: from then on it does not exist, whatever becomes of the rest.
            self._objects.delete([name.manifest_key])
        whole, now = set(names) - set(gone), self._clock()
        dead, leftovers = set(gone), []
        for stored in self._objects.list(data_of(self._region, self._database)):
            owner = of_part(stored.key)
            if owner is not None and owner not in whole and (owner in dead or is_dead(owner, now)):
                dead.add(owner)
                leftovers.append(stored.key)
            if len(leftovers) >= DELETED_MAX:
                break
        self._objects.delete(leftovers)
        return len(whole), len(dead)

    def _taken(self, name: BackupName, snapshot: Snapshot, go_on: GoOn, told: Callable[[str, int], None]) -> Manifest:
        started, newest = self._clock(), snapshot.newest_event()
        records: list[CollectionRecord] = []
        for collection in sorted(filter(is_kept, snapshot.collections)):
            writer = _CollectionWriter(self._objects, name, collection, self._part_bytes, told)
            for raw in snapshot.raw(collection):
                if not go_on():
                    documents = writer.documents + sum(one.documents for one in records)
                    raise OutOfTime(
                        f"the backup was given up after {documents:,} documents, in {collection}: its time was over, "
                        "or its lock another's; nothing is left of it. docs/backup.md says what to do with a database "
                        "that is too big"
                    )
                writer.add(raw)
            records.append(writer.finish())
        snapshot.finish()
        roles = [_role(document) for document in snapshot.roles()]
        return Manifest(
            name=name,
            point=snapshot.point,
            started_at=started,
            finished_at=self._clock(),
            collections=tuple(records),
            indexes=snapshot.indexes(),
            regions=self._regions or _several(roles),
            roles=roles,
            outbox={} if newest is None else _position(newest),
            left_out=tuple(sorted(set(snapshot.collections) & LEFT_OUT.keys())),
        )

    def _require_parts(self, manifest: Manifest) -> None:
        """Somebody whose clock is hours ahead takes them for a dead run's."""
        there = {stored.key: stored.size for stored in self._objects.list(manifest.name.data_prefix)}
        sizes = [part.stored for one in manifest.collections for part in one.parts]
        if there != dict(zip(manifest.keys, sizes, strict=True)):
            raise BackupError(f"{manifest.name.data_prefix}: parts were taken away meanwhile; nothing of it is kept")

    def _take_away(self, name: BackupName) -> None:
        with contextlib.suppress(BackupError):
            self._objects.delete([stored.key for stored in self._objects.list(name.data_prefix)])


class _CollectionWriter:
    """Puts a collection's documents into parts."""

    def __init__(
        self,
        objects: ObjectStore,
        name: BackupName,
        collection: str,
        part_bytes: int,
        told: Callable[[str, int], None],
    ) -> None:
        self._objects = objects
        self._name = name
        self._collection = collection
        self._part_bytes = part_bytes
        self._told = told
        self._digest = sha256()
        self._parts: list[Part] = []
        self._open = codec.Compressor()
        self._documents = self._bytes = 0

    @property
    def documents(self) -> int:
        return sum(part.documents for part in self._parts) + self._documents

    def add(self, raw: bytes) -> None:
        self._digest.update(raw)
        self._open.add(raw)
        self._documents += codec.count(raw)
        self._bytes += len(raw)
        if self._bytes >= self._part_bytes:
            self._close()

    def finish(self) -> CollectionRecord:
        if self._documents:
            self._close()
        return CollectionRecord(
            name=self._collection,
            documents=self.documents,
            bytes=sum(part.bytes for part in self._parts),
            sha256=self._digest.hexdigest(),
            parts=tuple(self._parts),
        )

    def _close(self) -> None:
        stored = self._open.finish()
        self._objects.put(self._name.part_key(self._collection, len(self._parts)), stored)
        self._parts.append(Part(self._documents, self._bytes, len(stored), sha256(stored).hexdigest()))
        self._told(self._collection, self._documents)
        self._open = codec.Compressor()
        self._documents = self._bytes = 0


def _several(roles: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Whoever takes a backup of one region's database may not know of the others; it does."""
    return tuple(str(one["region"]) for one in roles) if len(roles) > 1 else ()


def _role(document: Mapping[str, Any]) -> dict[str, Any]:
    found = role(document)
    return {"region": found.region, "servedBy": found.served_by, "epoch": found.epoch, "url": found.url}


def _position(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": str(event["_id"]), "occurredAt": iso(event["occurredAt"]), "tells": "changes" in event}
