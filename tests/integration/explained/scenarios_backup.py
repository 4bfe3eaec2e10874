"""What the region knows of its backups."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.ports import Document
from chalicelib.backup.scope import BACKUP_LOG
from chalicelib.data.backup_log import MongoBackupLog
from chalicelib.locks import Guard
from tests.backup_worlds import manifest
from tests.integration.explained.registry import covers
from tests.integration.explained.town import Town, inhabits
from tests.worlds import NOON


@inhabits(BACKUP_LOG, 1, small=True)
def _log(number: int) -> Document:
    return {"_id": f"of another release {number}"}


@covers(MongoBackupLog.last_success)
def _(town: Town, last_success: Callable[..., Any]) -> None:
    assert last_success() is None


@covers(MongoBackupLog.noted)
def _(town: Town, noted: Callable[..., Any]) -> None:
    assert noted() is None


@covers(MongoBackupLog.succeeded)
def _(town: Town, succeeded: Callable[..., Any]) -> None:
    """As it is told again: the point that is shown, not when it was taken."""
    succeeded(manifest(), Guard("schedule:9", 1009), NOON)
    log = MongoBackupLog(town.operations)
    assert (log.noted(), log.last_success()) == (manifest().name.id, manifest().point.at)
    town.database[BACKUP_LOG].delete_one({"_id": "last"})
