"""Makes a database of a backup.

Its collections are loaded under names nobody reads (``restoring.users``), read back and compared with the manifest, and
only then given theirs: whoever dies on the way leaves a database that looks as empty as it was, and a mark that says
so. Everything is read and checked once before the first write.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from chalicelib.arena.ports import Document
from chalicelib.backup import codec
from chalicelib.backup.manifest import CollectionRecord, Manifest
from chalicelib.backup.ports import BackupError, RestoreTarget
from chalicelib.backup.replaying import Replay, Replayed
from chalicelib.backup.scope import DONE, LOADING, RESTORING, VERIFIED
from chalicelib.backup.shelf import Shelf
from chalicelib.clock import Clock
from chalicelib.replication.regions import role

INSERT_DOCUMENTS: Final = 2_000
INSERT_BYTES: Final = 8 * 1024 * 1024

Told = Callable[[str, int], None]
"""Told what is done, and of how many documents more."""


class RestoreRefused(BackupError):
    """Nothing was written; the text says what to do."""


class RestoreFailed(BackupError):
    """The database is marked as being restored and has nothing under its right names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restoration came to."""

    backup: str
    where: str
    at: datetime
    """The point the database shows."""
    documents: int = 0
    bytes: int = 0
    collections: int = 0
    seconds: float = 0.0
    replayed: Replayed | None = None
    fenced: bool = False
    """Nobody serves the region's players until ``./arena failover --return``."""
    unmade_indexes: list[str] = field(default_factory=list)
    """Indexes of before that are none of the arena's: to be made by hand."""


class Restorer:
    """Restores into one database. ``run`` is text no other run has."""

    def __init__(self, shelf: Shelf, target: RestoreTarget, clock: Clock, *, run: str, told: Told) -> None:
        self._shelf = shelf
        self._target = target
        self._clock = clock
        self._run = run
        self._told = told

    def refuse(self, manifest: Manifest, *, again: bool) -> Document | None:
        """Why it can't be done, as ``RestoreRefused``; else the mark of the restoration before, if there was one."""
        mark = self._target.mark()
        state = DONE if mark is None else mark["state"]
        if mark is not None and state != DONE and not again:
            raise RestoreRefused(
                f"{self._target.where}: a restoration of {mark['backup']} began there at {mark['startedAt']:%F %T} and "
                f"is {state}: wait for it, or if it is dead, begin --again"
            )
        if mark is not None and state == VERIFIED and mark["backup"] != manifest.name.id:
            raise RestoreRefused(f"{self._target.where}: finish the restoration of {mark['backup']} there first")
        present = self._target.present()
        if present and state != VERIFIED:
            found = ", ".join(f"{name} ({count:,})" for name, count in sorted(present.items()))
            raise RestoreRefused(
                f"{self._target.where} is not empty: {found}. Restore into an empty database; "
                "docs/runbooks/restore.md says how a region is given another one"
            )
        if state == DONE and (left := self._target.leftovers()) and not again:
            raise RestoreRefused(f"{self._target.where} holds {', '.join(left)}: --again drops them")
        return mark

    def restore(
        self, manifest: Manifest, replay: Replay | None = None, *, until: datetime | None = None, again: bool = False
    ) -> Restored:
        """Raises ``RestoreRefused`` and ``DamagedBackup`` before anything is written, ``RestoreFailed`` after."""
        started = self._clock()
        before = self.refuse(manifest, again=again)
        if before is not None and before["state"] == VERIFIED:
            return self._finished(manifest, before["run"], before["report"], started)
        self._shelf.check(manifest, lambda what, more: self._told(f"checked {what}", more))
        self._begin(manifest, started, before)
        for record in manifest.collections:
            self._load(manifest, record)
        for record in manifest.collections:
            self._verify(record)
        self._target.index()
        report = self._replayed(manifest, replay, until)
        self._step(VERIFIED, report=report)
        return self._finished(manifest, self._run, report, started)

    def _begin(self, manifest: Manifest, started: datetime, before: Mapping[str, Any] | None) -> None:
        mark = {"run": self._run, "backup": manifest.name.id, "state": RESTORING, "startedAt": started}
        if not self._target.begin(
            {**mark, "point": manifest.point.at}, after=None if before is None else before["run"]
        ):
            raise RestoreRefused(f"{self._target.where}: another restoration has just begun there")
        self._target.drop_leftovers()
        for document in roles_to_restore(manifest, self._target.roles()):
            self._target.write_role(document)

    def _load(self, manifest: Manifest, record: CollectionRecord) -> None:
        for number in range(len(record.parts)):
            batch: list[bytes] = []
            size = 0
            documents = codec.split(self._shelf.part(manifest, record, number))
            for document in documents:
                if batch and (len(batch) == INSERT_DOCUMENTS or size + len(document) > INSERT_BYTES):
                    self._target.insert(record.name, batch)
                    batch, size = [], 0
                batch.append(document)
                size += len(document)
            if batch:
                self._target.insert(record.name, batch)
            self._told(f"loaded {record.name}", len(documents))
            self._step(RESTORING)

    def _verify(self, record: CollectionRecord) -> None:
        digest, documents = sha256(), 0
        for raw in self._target.raw(record.name):
            digest.update(raw)
            found = codec.count(raw)
            documents += found
            self._told(f"verified {record.name}", found)
        if (digest.hexdigest(), documents) != (record.sha256, record.documents):
            raise RestoreFailed(
                f"{self._target.where}: {record.name} has {documents:,} documents that are not the backup's "
                f"{record.documents:,}: something else writes there; begin --again when nothing does"
            )

    def _replayed(self, manifest: Manifest, replay: Replay | None, until: datetime | None) -> dict[str, Any]:
        if replay is None or until is None:
            return {"at": manifest.point.at}
        found = replay.run(until, lambda more: self._told("replayed events", more), lambda: self._step(RESTORING))
        if found.early:
            raise RestoreFailed(
                f"{found.early} events change documents that nobody has told of: the sources of events do not reach "
                "back to the backup; choose a later backup, or name all regions' databases by --events"
            )
        return {"at": until, "replayed": found.counted()}

    def _finished(self, manifest: Manifest, run: str, report: Mapping[str, Any], started: datetime) -> Restored:
        # Those that events have begun, too.
        for name in self._target.leftovers():
            self._target.publish(name.removeprefix(LOADING))
        self._target.complete()
        if not self._target.advance(run, DONE, finishedAt=self._clock()):
            raise RestoreFailed(f"{self._target.where}: another restoration has taken over")
        replayed = report.get("replayed")
        return Restored(
            backup=manifest.name.id,
            where=self._target.where,
            at=report.get("at", manifest.point.at),
            documents=manifest.documents,
            bytes=manifest.bytes,
            collections=len(manifest.collections),
            seconds=round((self._clock() - started).total_seconds(), 3),
            replayed=None if replayed is None else Replayed(**replayed),
            fenced=bool(manifest.regions),
            unmade_indexes=self._unmade(manifest),
        )

    def _unmade(self, manifest: Manifest) -> list[str]:
        known = self._target.known_indexes()
        named = {f"{index['collection']}.{index['name']}" for index in manifest.indexes}
        return sorted(named - known)

    def _step(self, state: str, **more: Any) -> None:
        if not self._target.advance(self._run, state, **more):
            raise RestoreFailed(f"{self._target.where}: another restoration has taken over")


def roles_to_restore(manifest: Manifest, present: Sequence[Mapping[str, Any]] = ()) -> list[Document]:
    """Documents of ``regions`` to be written beside those ``present``: the restored region serves nobody.

    By an epoch above all it knew, so that it is given its players back and does not take them. What the backup knew of
    the others may be long over: they are taken to serve themselves.
    """
    if len(manifest.regions) < 2:
        return []
    here = manifest.name.region
    then = {str(one["region"]): one for one in manifest.roles}
    now = {str(one["_id"]): one for one in present}
    found = []
    for region in manifest.regions:
        before, known = then.get(region, {}), now.get(region)
        serving = None if known is None else role(known).served_by
        if known is not None and serving != here and (region != here or serving is not None):
            # Said since, by a failover: another region serves.
            continue
        epochs = (int(one.get("epoch", 0)) for one in (before, known or {}))
        document: Document = {"_id": region, "servedBy": None, "epoch": max(epochs) + 1}
        if region != here and known is None:
            document = {"_id": region, "servedBy": region, "epoch": 0}
        url = (known or {}).get("url") or before.get("url")
        found.append({**document, **({"url": url} if url else {})})
    return found
