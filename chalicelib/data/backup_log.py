"""What the region knows of its backups, on MongoDB: one document."""

from datetime import datetime
from typing import Any, Final

from chalicelib.arena.ports import Document, Update
from chalicelib.backup.manifest import Manifest
from chalicelib.backup.scope import BACKUP_LOG
from chalicelib.data.fences import FencedUpdates
from chalicelib.data.operations import FindOne, Operations
from chalicelib.locks import Guard

_ID: Final = "last"


class MongoBackupLog:
    """``BackupLog``."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._fenced = FencedUpdates(operations)

    def succeeded(self, manifest: Manifest, guard: Guard | None, now: datetime) -> None:
        fields: dict[str, Any] = {"backup": manifest.name.id, "point": manifest.point.at, "succeededAt": now}
        fields |= {"documents": manifest.documents, "stored": manifest.stored}
        self._fenced.update(guard, [Update(BACKUP_LOG, {"_id": _ID}, {"$set": fields}, upsert=True)])

    def noted(self) -> str | None:
        found = self._last().get("backup")
        return found if isinstance(found, str) else None

    def last_success(self) -> datetime | None:
        """The point the newest backup shows; None without any."""
        point = self._last().get("point")
        return point if isinstance(point, datetime) else None

    def _last(self) -> Document:
        return self._operations.execute(FindOne(BACKUP_LOG, {"_id": _ID})) or {}
