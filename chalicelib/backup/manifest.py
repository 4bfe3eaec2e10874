"""A backup's manifest: what it is of, which point it shows, what is in it and the digest of everything. Pure.

It is written last: a backup without one does not exist. It holds a digest of itself.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from chalicelib.backup.naming import BackupName

FORMAT: Final = 1
_DIGEST: Final = "digest"


class BadManifest(Exception):
    """A manifest that can't be believed; the text names the object."""

    def __init__(self, name: BackupName, why: str) -> None:
        super().__init__(f"{name.manifest_key}: {why}")
        self.key = name.manifest_key


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the database's own time, at which it is shown."""

    seconds: int
    """Since 1970, by the primary's clock."""
    increment: int
    """Of what was written within the second."""

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """One object: a run of a collection's documents as BSON, compressed."""

    documents: int
    bytes: int
    """Uncompressed."""
    stored: int
    """As it lies there."""
    sha256: str
    """Of what lies there."""


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """One collection."""

    name: str
    documents: int
    bytes: int
    sha256: str
    """Of all its documents as BSON, one after the other in order of ``_id``."""
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One backup."""

    name: BackupName
    point: Point
    started_at: datetime
    finished_at: datetime
    collections: tuple[CollectionRecord, ...]
    indexes: Sequence[Mapping[str, Any]] = ()
    """As they were."""
    regions: tuple[str, ...] = ()
    """Those that converged, this one among them; empty where it was alone."""
    roles: Sequence[Mapping[str, Any]] = ()
    """Who served whom: {region, servedBy, epoch, url}."""
    outbox: Mapping[str, Any] = field(default_factory=dict)
    """Its newest event, {id, occurredAt, tells}; empty without any. ``tells``: whether it says what was changed."""
    left_out: tuple[str, ...] = ()
    """Collections that were there and are not in it."""

    @property
    def documents(self) -> int:
        return sum(one.documents for one in self.collections)

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.collections)

    @property
    def stored(self) -> int:
        return sum(part.stored for one in self.collections for part in one.parts)

    @property
    def keys(self) -> list[str]:
        """Of all its parts."""
        return [self.name.part_key(one.name, number) for one in self.collections for number in range(len(one.parts))]

    def record(self, collection: str) -> CollectionRecord | None:
        return next((one for one in self.collections if one.name == collection), None)


def encoded(manifest: Manifest) -> bytes:
    """As stored."""
    body = {**asdict(manifest), "format": FORMAT}
    for name in ("started_at", "finished_at"):
        body[name] = body[name].isoformat()
    return _canonical({**body, _DIGEST: sha256(_canonical(body)).hexdigest()})


def decoded(name: BackupName, stored: bytes) -> Manifest:
    """The manifest of ``name``. Raises ``BadManifest``."""
    try:
        body = json.loads(stored)
        digest = body.pop(_DIGEST)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise BadManifest(name, "is no manifest") from error
    if sha256(_canonical(body)).hexdigest() != digest:
        raise BadManifest(name, "is damaged: it does not have the digest it says")
    if body.pop("format") != FORMAT:
        raise BadManifest(name, f"has another format than {FORMAT}: restore it with the release that made it")
    try:
        manifest = _manifest(body)
    except (ValueError, TypeError, KeyError) as error:
        raise BadManifest(name, f"lacks something: {error}") from error
    if manifest.name != name:
        raise BadManifest(name, f"is that of another backup, {manifest.name.id} of {manifest.name.database}")
    for one in manifest.collections:
        sums = (sum(part.documents for part in one.parts), sum(part.bytes for part in one.parts))
        if sums != (one.documents, one.bytes):
            raise BadManifest(name, f"the parts of {one.name} are not what it says of the whole")
    return manifest


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _manifest(body: dict[str, Any]) -> Manifest:
    collections = tuple(
        CollectionRecord(**{**one, "parts": tuple(Part(**part) for part in one["parts"])})
        for one in body.pop("collections")
    )
    return Manifest(
        name=BackupName(**body.pop("name")),
        point=Point(**body.pop("point")),
        collections=collections,
        regions=tuple(body.pop("regions")),
        left_out=tuple(body.pop("left_out")),
        started_at=datetime.fromisoformat(body.pop("started_at")),
        finished_at=datetime.fromisoformat(body.pop("finished_at")),
        **body,
    )
