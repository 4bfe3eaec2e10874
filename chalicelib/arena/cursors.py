"""Cursors: where a listing was left off, as text a client keeps and can neither forge nor use elsewhere.

A cursor is 52 URL-safe characters: base64 of one byte of version, eight of milliseconds since 1970, twelve of
identifier (together the position) and eighteen of HMAC-SHA256. The code covers the position and everything the
listing depends on: its name, its player, its filters. The page's size is not among them and may change underway.

The key is derived from a secret the settings have anyway; when that changes, cursors end and lists start anew.
"""

import base64
import hashlib
import hmac
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chalicelib.arena.moments import epoch_ms, from_epoch_ms
from chalicelib.errors import BadRequest

VERSION: Final = 1

_POSITION: Final = struct.Struct(">Bq12s")
_CODE_BYTES: Final = 18
"""144 bits; with the position's 21 bytes a multiple of three, so that one position has exactly one text."""

_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{52}")
_KEY_LABEL: Final = b"aiba-arena/cursor"
"""What the secret itself signs elsewhere (a battle's seed) holds six colons, so it is never this."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a listing ordered by time, then by identifier."""

    moment: datetime
    """Aware, whole milliseconds: what MongoDB keeps."""
    id: str
    """24 lower-case hex digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a cursor belongs to."""

    name: str
    telegram_id: str
    filters: Mapping[str, str] = field(default_factory=dict)

    def fingerprint(self) -> bytes:
        """The same for equal listings, another for all others."""
        return json.dumps([self.name, self.telegram_id, sorted(self.filters.items())]).encode()


class Cursors:
    """Writes and reads cursors under one secret. Raises ValueError without one."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("the secret of cursors is empty")
        self._key = hmac.digest(secret.encode(), _KEY_LABEL, hashlib.sha256)

    def write(self, listing: Listing, position: Position) -> str:
        """The cursor of ``position`` in ``listing``."""
        head = _POSITION.pack(VERSION, epoch_ms(position.moment), bytes.fromhex(position.id))
        return base64.urlsafe_b64encode(head + self._code(listing, head)).decode()

    def read(self, listing: Listing, text: str) -> Position:
        """Where ``text`` left off. Raises ``BadRequest("invalid_cursor")`` unless it was written for ``listing``."""
        if not _TEXT.fullmatch(text):
            raise _refusal()
        raw = base64.urlsafe_b64decode(text)
        head, code = raw[: _POSITION.size], raw[_POSITION.size :]
        if not hmac.compare_digest(code, self._code(listing, head)):
            raise _refusal()
        version, milliseconds, identifier = _POSITION.unpack(head)
        if version != VERSION:
            raise _refusal()
        return Position(from_epoch_ms(milliseconds), identifier.hex())

    def _code(self, listing: Listing, head: bytes) -> bytes:
        return hmac.digest(self._key, head + listing.fingerprint(), hashlib.sha256)[:_CODE_BYTES]


def _refusal() -> BadRequest:
    return BadRequest("invalid_cursor", "the cursor is not of this list; start without one")
