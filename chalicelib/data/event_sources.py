"""Where a region's events are read from to go on from a backup: another backup's outbox, or a database's."""

import contextlib
from collections.abc import Iterator
from typing import Final

from bson import CodecOptions, decode_all

from chalicelib.arena.outbox import COLLECTION as OUTBOX
from chalicelib.arena.ports import Document
from chalicelib.backup.manifest import Manifest
from chalicelib.backup.shelf import Shelf
from chalicelib.data.faults import translated
from chalicelib.data.pools import Pools

_AWARE: Final = CodecOptions[Document](tz_aware=True)


class BackupEvents:
    """``EventSource``: what a later backup's outbox holds."""

    def __init__(self, shelf: Shelf, manifest: Manifest) -> None:
        self._shelf = shelf
        self._manifest = manifest

    @property
    def where(self) -> str:
        return f"backup {self._manifest.name.id}"

    def events(self) -> Iterator[Document]:
        for raw in self._shelf.parts(self._manifest, OUTBOX):
            yield from decode_all(raw, _AWARE)


class DatabaseEvents:
    """``EventSource``: what a region's outbox holds now."""

    def __init__(self, pools: Pools, database: str, where: str) -> None:
        self._outbox = pools.client("primary")[database][OUTBOX]
        self._where = where

    @property
    def where(self) -> str:
        return self._where

    def events(self) -> Iterator[Document]:
        with translated(), contextlib.closing(self._outbox.find(sort=[("_id", 1)])) as found:
            yield from found
