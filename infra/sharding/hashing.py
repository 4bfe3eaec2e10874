"""The function of MongoDB's hashed indexes, for placing documents before there is a cluster.

The first eight bytes, little-endian and signed, of the MD5 over a seed (0), the value's canonical type and its BSON
bytes, where numbers are cut to whole ones. The server would tell by ``$toHashedIndexKey``; here it is a function of the
value. ``tests/integration/test_shard_analyze.py`` compares with that operator and with the keys of a hashed index.
"""

import hashlib
import struct
from datetime import datetime
from typing import Any, Final

from bson import BSON, ObjectId

_SEED: Final = 0
_NULL, _NUMBER, _STRING, _OID, _BOOL, _DATE = 5, 10, 15, 35, 40, 45
"""Canonical types."""
_TYPE_AND_NAME: Final = len(b"\x00\x00")
_LENGTH: Final = 4


def hashed(value: Any) -> int:
    """A signed number of 64 bits. Raises ``TypeError`` for types no shard key of the arena has."""
    kind, content = _parts(value)
    digest = hashlib.md5(struct.pack("<ii", _SEED, kind) + content, usedforsecurity=False).digest()
    return int(struct.unpack("<q", digest[:8])[0])


def _parts(value: Any) -> tuple[int, bytes]:
    if value is None:
        return _NULL, b""
    if isinstance(value, bool):
        return _BOOL, _encoded(value)
    if isinstance(value, int | float):
        return _NUMBER, struct.pack("<q", int(value))
    for kind, types in ((_STRING, str), (_OID, ObjectId), (_DATE, datetime)):
        if isinstance(value, types):
            return kind, _encoded(value)
    raise TypeError(f"a shard key's value of type {type(value).__name__}")


def _encoded(value: Any) -> bytes:
    """The value's part of a BSON document with one field without a name."""
    return bytes(BSON.encode({"": value}))[_LENGTH + _TYPE_AND_NAME : -1]
