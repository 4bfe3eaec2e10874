"""The backups that are there, and whether they are what their manifests say."""

from collections.abc import Callable, Iterator
from hashlib import sha256

from chalicelib.backup import codec
from chalicelib.backup.manifest import BadManifest, CollectionRecord, Manifest, decoded
from chalicelib.backup.naming import BackupName, manifests_of, of_manifest
from chalicelib.backup.ports import BackupError, NoSuchObject, ObjectStore


class DamagedBackup(BackupError):
    """An object is missing, or is not what it was; the text names it."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key = key


class Shelf:
    """Reads backups of one store. Methods raise ``StoreUnavailable``."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    @property
    def where(self) -> str:
        return self._objects.where

    def names(self, region: str | None = None, database: str | None = None) -> list[BackupName]:
        """Of whole backups, the oldest first."""
        listed = self._objects.list(manifests_of(region, database))
        found = [name for name in (of_manifest(stored.key) for stored in listed) if name is not None]
        wanted = [name for name in found if database in (None, name.database)]
        return sorted(wanted, key=lambda name: (name.region, name.database, name.id))

    def manifest(self, name: BackupName) -> Manifest:
        """Raises ``DamagedBackup``."""
        try:
            return decoded(name, self._objects.get(name.manifest_key))
        except NoSuchObject as error:
            raise DamagedBackup(error.key, "is missing: there is no such backup") from error
        except BadManifest as error:
            key, _, why = str(error).partition(": ")
            raise DamagedBackup(key, why) from error

    def part(self, manifest: Manifest, record: CollectionRecord, number: int) -> bytes:
        """A part's documents, believed only if they are what they were. Raises ``DamagedBackup``."""
        key, part = manifest.name.part_key(record.name, number), record.parts[number]
        try:
            stored = self._objects.get(key)
        except NoSuchObject as error:
            raise DamagedBackup(key, "is missing") from error
        if len(stored) != part.stored:
            raise DamagedBackup(key, f"has {len(stored):,} bytes; it had {part.stored:,}")
        if sha256(stored).hexdigest() != part.sha256:
            raise DamagedBackup(key, "is damaged: its digest is not the manifest's")
        try:
            return codec.decompressed(stored, part.bytes)
        except codec.BadDocuments as error:
            raise DamagedBackup(key, str(error)) from error

    def parts(self, manifest: Manifest, collection: str) -> Iterator[bytes]:
        """Of one collection, in order; nothing where it is not in the backup."""
        record = manifest.record(collection)
        for number in range(len(record.parts) if record else 0):
            yield self.part(manifest, record, number)  # type: ignore[arg-type]  # none has no parts

    def check(self, manifest: Manifest, told: Callable[[str, int], None] = lambda _what, _more: None) -> None:
        """Reads everything. Raises ``DamagedBackup`` naming the first object that is not as it was."""
        for record in manifest.collections:
            digest, documents = sha256(), 0
            for number in range(len(record.parts)):
                raw = self.part(manifest, record, number)
                digest.update(raw)
                found = codec.count(raw)
                documents += found
                told(record.name, found)
            if (digest.hexdigest(), documents) != (record.sha256, record.documents):
                raise DamagedBackup(manifest.name.manifest_key, f"{record.name} is not what the manifest says of it")
