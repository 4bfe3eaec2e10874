"""The part of the settings that says where the region's backups go."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

BACKUP_KEYS: Final = ("ARENA_BACKUP_BUCKET",)
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

Problem = Callable[[str, str, str], None]
"""Reports a key, what was found, and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    """Where backups go."""

    bucket: str | None = None
    """None in functions that take none, and where none are taken."""


def read_backup_settings(environ: Mapping[str, str], problem: Problem) -> BackupSettings:
    """The settings in ``environ``; whatever is wrong with them is told to ``problem``."""
    bucket = environ.get("ARENA_BACKUP_BUCKET", "").strip()
    if bucket and not _BUCKET.fullmatch(bucket):
        problem("ARENA_BACKUP_BUCKET", repr(bucket), "the name of an S3 bucket, 3 to 63 characters; empty for none")
    return BackupSettings(bucket=bucket or None)
