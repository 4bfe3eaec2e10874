"""Backups by the clock."""

from typing import Any, Final

from chalice.app import CloudWatchEvent

from chalicelib import wiring
from chalicelib.entrypoints.invocations import InvokedBlueprint
from chalicelib.entrypoints.scheduled import alone
from chalicelib.observability import logger

blueprint: Final = InvokedBlueprint(__name__)

OFF: Final = {"skipped": "no bucket for backups"}
BACKUP_SECONDS: Final = 240.0
"""Below the function's time-out and the 300 s for which a server shows a snapshot."""


@blueprint.schedule("cron(37 * * * ? *)", name="backup")
def backup(_event: CloudWatchEvent) -> dict[str, Any]:
    """Takes a backup if one is due by the tier's plan, and deletes what no rule keeps."""
    from chalicelib.backup.ports import BackupError
    from chalicelib.wiring.backup import backup as wired_backup

    work = wired_backup(wiring.arena())
    if work is None:
        return OFF
    try:
        report = alone("backup", work, BACKUP_SECONDS)
    except BackupError as error:
        # Its words name objects and collections, never what is in them.
        logger().error("no backup was taken", fault=type(error).__name__, why=str(error))
        raise
    logger().info("backup", **report)
    return report
