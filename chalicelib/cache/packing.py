"""Values of documents' types as text, and back exactly: identifiers, times and whole numbers keep their types."""

import base64
import binascii
import zlib
from typing import Any, Final

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError

COMPRESSED_FROM_BYTES: Final = 1024
PACKED_MAX_CHARACTERS: Final = 256 * 1024
"""A larger value holds up every other caller of its Redis node for about a millisecond each time it is read."""
UNPACKED_MAX_BYTES: Final = 16 * 1024 * 1024
"""As large as a document may be. A few kilobytes of zeros would otherwise fill an environment's memory."""

_PLAIN: Final = b"p"
_COMPRESSED: Final = b"z"
_OPTIONS: Final = CodecOptions[dict[str, Any]](tz_aware=True)


class Unpackable(Exception):
    """The value is too large, or of no type that documents have."""


def pack(value: Any) -> str:
    """``value`` as base64 of BSON, compressed where that pays. Raises ``Unpackable``."""
    try:
        raw = bson.encode({"v": value})
    except (BSONError, OverflowError, TypeError) as error:
        raise Unpackable(str(error)) from error
    if len(raw) > UNPACKED_MAX_BYTES:
        raise Unpackable(f"{len(raw)} bytes")
    body = _COMPRESSED + zlib.compress(raw, 1) if len(raw) >= COMPRESSED_FROM_BYTES else _PLAIN + raw
    text = base64.b64encode(body).decode("ascii")
    if len(text) > PACKED_MAX_CHARACTERS:
        raise Unpackable(f"{len(text)} characters")
    return text


def unpack(text: str) -> Any:
    """What ``pack`` was given. Raises ``ValueError`` for what it did not write."""
    try:
        body = base64.b64decode(text, validate=True)
        raw = _decompressed(body[1:]) if body[:1] == _COMPRESSED else body[1:]
        return bson.decode(raw, codec_options=_OPTIONS)["v"]
    except (binascii.Error, zlib.error, BSONError, KeyError) as error:
        raise ValueError("not a packed value") from error


def _decompressed(body: bytes) -> bytes:
    """Raises ``zlib.error``."""
    reader = zlib.decompressobj()
    raw = reader.decompress(body, UNPACKED_MAX_BYTES)
    if not reader.eof:
        raise zlib.error("cut off, or too large")
    return raw
