"""Signatures of envelopes: HMAC-SHA256 under the key an envelope names, compared in constant time.

A keyring holds the key that signs, first, and those that are still believed. To rotate without a gap: add the new key
last everywhere; when every region has it, put it first; when nothing signed with the old one is under way any more
(queues and dead letters keep 14 days), drop the old one.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chalicelib.errors import Unauthorized
from chalicelib.replication.envelope import Envelope

KEYS_MAX: Final = 4
SECRET_CHARACTERS_MIN: Final = 32
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class BadSignature(Unauthorized):
    """Not signed by a region that has the key, or changed on the way."""


class UnknownKey(Unauthorized):
    """Signed with a key that is not known here, or no longer."""


class MalformedKeyring(ValueError):
    """A keyring setting that can't be used; never shows a secret."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by id; the first signs."""

    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str, *, secret_characters_min: int = SECRET_CHARACTERS_MIN) -> "Keyring":
        """From ``id:secret,id:secret``. Raises ``MalformedKeyring``."""
        keys: dict[str, bytes] = {}
        for place, part in enumerate(text.split(","), 1):
            key_id, separator, secret = part.strip().partition(":")
            if not separator or not _KEY_ID.fullmatch(key_id):
                raise MalformedKeyring(f"key {place} is not id:secret with an id of letters, digits, _ and -")
            if len(secret) < secret_characters_min:
                raise MalformedKeyring(
                    f"the secret of key {key_id!r} has {len(secret)} characters; at least {secret_characters_min}"
                )
            if key_id in keys:
                raise MalformedKeyring(f"key {key_id!r} stands twice")
            keys[key_id] = secret.encode()
        if len(keys) > KEYS_MAX:
            raise MalformedKeyring(f"{len(keys)} keys; at most {KEYS_MAX}")
        return cls(keys)

    def sign(self, envelope: Envelope) -> Envelope:
        """``envelope`` signed with the first key."""
        key_id = next(iter(self.keys))
        named = envelope.with_signature(key_id, "")
        return named.with_signature(key_id, self._signature(key_id, named))

    def verify(self, envelope: Envelope) -> None:
        """Raises ``UnknownKey`` and ``BadSignature``."""
        if envelope.key_id not in self.keys:
            raise UnknownKey("unknown_key", "signed with a key that is not known here")
        expected = self._signature(envelope.key_id, envelope)
        if not hmac.compare_digest(expected.encode(), envelope.signature.encode()):
            raise BadSignature("bad_signature", "the signature is not this envelope's")

    def _signature(self, key_id: str, envelope: Envelope) -> str:
        return hmac.new(self.keys[key_id], envelope.canonical(), hashlib.sha256).hexdigest()
