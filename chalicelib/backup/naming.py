"""Names of backups and of their objects: ``manifests/REGION/DATABASE/ID.json`` and ``data/REGION/DATABASE/ID/…``."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

MANIFESTS: Final = "manifests/"
DATA: Final = "data/"
TOKEN_BYTES: Final = 4
_FORM: Final = "%Y%m%dT%H%M%SZ"
_WORD: Final = r"[A-Za-z0-9_-]{1,63}"
_ID: Final = r"\d{8}T\d{6}Z-[0-9a-f]{8}"
_MANIFEST: Final = re.compile(rf"{MANIFESTS}({_WORD})/({_WORD})/({_ID})\.json")
_PART: Final = re.compile(rf"{DATA}({_WORD})/({_WORD})/({_ID})/[^/]+")


@dataclass(frozen=True, slots=True, order=True)
class BackupName:
    """One backup. Of one database they sort by time."""

    region: str
    database: str
    id: str
    """``20261130T063300Z-1f2e3d4c``: when it began, UTC, and what no other has that began then."""

    @property
    def begun_at(self) -> datetime:
        return datetime.strptime(self.id.partition("-")[0], _FORM).replace(tzinfo=UTC)

    @property
    def manifest_key(self) -> str:
        return f"{MANIFESTS}{self.region}/{self.database}/{self.id}.json"

    @property
    def data_prefix(self) -> str:
        return f"{DATA}{self.region}/{self.database}/{self.id}/"

    def part_key(self, collection: str, number: int) -> str:
        """Of a collection's ``number``-th part, from 0."""
        return f"{self.data_prefix}{quote(collection, safe='')}-{number:05}.bson.gz"


def new_name(region: str, database: str, now: datetime, token: str) -> BackupName:
    """``token``: ``2 * TOKEN_BYTES`` hex digits."""
    return BackupName(region, database, f"{now.astimezone(UTC):{_FORM}}-{token}")


def manifests_of(region: str | None = None, database: str | None = None) -> str:
    """The prefix of manifests: of all, of a region's, of a database's."""
    return MANIFESTS + "".join(f"{part}/" for part in (region, database if region else None) if part)


def data_of(region: str, database: str) -> str:
    """The prefix of a database's parts, of all its backups."""
    return f"{DATA}{region}/{database}/"


def of_manifest(key: str) -> BackupName | None:
    """Whose manifest ``key`` is; None for any other object."""
    found = _MANIFEST.fullmatch(key)
    return None if found is None else BackupName(*found.groups())


def of_part(key: str) -> BackupName | None:
    """Whose part ``key`` is; None for any other object."""
    found = _PART.fullmatch(key)
    return None if found is None else BackupName(*found.groups())
