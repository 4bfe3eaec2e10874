"""Builds what takes the region's backups, and tells how old the newest is."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.backup.taking import BackupReport
    from chalicelib.locks import Guard
    from chalicelib.monitoring.aggregation import GaugeSource
    from chalicelib.wiring.services import Arena


def backup(arena: "Arena") -> "Callable[[Callable[[], bool], Guard], BackupReport] | None":
    """Takes a backup if one is due; None where there is no bucket for them."""
    settings = arena.settings
    if settings.backup.bucket is None:
        return None
    from chalicelib.aws.objects import S3Objects, s3_client
    from chalicelib.backup.keeping import PLANS
    from chalicelib.backup.naming import TOKEN_BYTES
    from chalicelib.backup.taking import Backups
    from chalicelib.data.backup_log import MongoBackupLog
    from chalicelib.data.snapshots import MongoSnapshotSource

    backups = Backups(
        MongoSnapshotSource(arena.pools, settings.mongo_database),
        S3Objects(lambda: s3_client(settings.region), settings.backup.bucket),
        arena.clock,
        lambda: secrets.token_hex(TOKEN_BYTES),
        region=settings.region,
        database=settings.mongo_database,
        regions=settings.replication.regions if settings.replication.is_on else (),
    )
    log, plan = MongoBackupLog(arena.operations), PLANS[settings.tier]
    return lambda go_on, guard: backups.run(plan, log, go_on, guard)


def gauges(arena: "Arena") -> "GaugeSource":
    """Of the region's backups, by series key."""
    from chalicelib.data.backup_log import MongoBackupLog
    from chalicelib.monitoring.families import BACKUP_LAST_SUCCESS

    log = MongoBackupLog(arena.operations)

    def found(_now: datetime) -> Mapping[str, float]:
        last = log.last_success()
        return {} if last is None else {BACKUP_LAST_SUCCESS: last.timestamp()}

    return found
