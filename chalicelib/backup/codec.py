"""Runs of BSON documents: split, counted, compressed. Knows no more of BSON than that it says its length first."""

import zlib
from collections.abc import Iterator
from struct import unpack_from
from typing import Final

LEVEL: Final = 3
"""Of compression: 6, zlib's default, takes twice as long and saves 6 % (docs/backup.md)."""
_GZIP: Final = 31
_LENGTH: Final = "<i"
_SHORTEST: Final = 5


class BadDocuments(Exception):
    """Bytes that are no run of documents."""


def lengths(raw: bytes) -> Iterator[tuple[int, int]]:
    """Of each document where it begins and ends. Raises ``BadDocuments``."""
    start, end = 0, len(raw)
    while start < end:
        stop = start + (unpack_from(_LENGTH, raw, start)[0] if end - start >= _SHORTEST else 0)
        if not start + _SHORTEST <= stop <= end:
            raise BadDocuments(f"no document at byte {start}")
        yield start, stop
        start = stop


def count(raw: bytes) -> int:
    """How many documents."""
    return sum(1 for _ in lengths(raw))


def split(raw: bytes) -> list[bytes]:
    return [raw[start:stop] for start, stop in lengths(raw)]


class Compressor:
    """Compresses to the gzip format; the same documents give the same bytes."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
        self._found: list[bytes] = []

    def add(self, raw: bytes) -> None:
        self._found.append(self._stream.compress(raw))

    def finish(self) -> bytes:
        return b"".join((*self._found, self._stream.flush()))


def decompressed(stored: bytes, size: int) -> bytes:
    """What was compressed, of a known ``size``; no more memory is taken. Raises ``BadDocuments``."""
    stream = zlib.decompressobj(_GZIP)
    try:
        raw = stream.decompress(stored, size + 1)
    except zlib.error as error:
        raise BadDocuments("can't be decompressed") from error
    if len(raw) != size or not stream.eof:
        raise BadDocuments(f"does not hold {size} bytes")
    return raw
