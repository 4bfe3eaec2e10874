"""How operators prove who they are: password hashes (scrypt) and signed tokens (JWT, HS256).

A hash is one line of text, ``scrypt$N$r$p$SALT$HASH`` with salt and hash in base64, so that its cost can be
raised without invalidating older ones.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
"""RFC 7914's interactive parameters: 16 MiB and about 50 ms a try."""

_MEMORY_MAX_BYTES: Final = 64 * 1024 * 1024
"""A verification must fit beside everything else in a function's memory."""

_PARALLEL_MAX: Final = 16
_SALT_BYTES: Final = 16
_SALT_BYTES_MIN: Final = 8
_DIGEST_BYTES_MIN: Final = 16
_DIGEST_BYTES_MAX: Final = 128
_ALGORITHM: Final = "HS256"


class IllegibleHash(ValueError):
    """Text that is no password hash of ours; says what is wrong with it, never what it is."""


class InvalidToken(ValueError):
    """Text that is no token signed with this secret."""


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A parsed hash; ``parse`` and ``of`` make only such as can be verified."""

    cost: int
    """N, a power of two."""
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> "PasswordHash":
        """Reads ``scrypt$N$r$p$SALT$HASH``. Raises ``IllegibleHash``."""
        name, *parts = text.strip().split("$")
        if name != "scrypt" or len(parts) != 5:
            raise IllegibleHash("not of the form scrypt$N$r$p$SALT$HASH")
        try:
            cost, block, parallel = (int(part) for part in parts[:3])
            salt, digest = (base64.b64decode(part, validate=True) for part in parts[3:])
        except (ValueError, binascii.Error) as error:
            raise IllegibleHash("N, r and p must be whole numbers, SALT and HASH base64") from error
        if cost < 2 or cost & (cost - 1):
            raise IllegibleHash("N must be a power of two")
        if block < 1 or not 1 <= parallel <= _PARALLEL_MAX or 128 * cost * block > _MEMORY_MAX_BYTES:
            raise IllegibleHash(f"128 x N x r may be {_MEMORY_MAX_BYTES} at most, p 1 to {_PARALLEL_MAX}")
        if len(salt) < _SALT_BYTES_MIN or not _DIGEST_BYTES_MIN <= len(digest) <= _DIGEST_BYTES_MAX:
            raise IllegibleHash("SALT or HASH has the wrong length")
        return cls(cost, block, parallel, salt, digest)

    @classmethod
    def of(cls, password: str) -> "PasswordHash":
        """A fresh hash of ``password``, with a salt of its own."""
        salt = secrets.token_bytes(_SALT_BYTES)
        return cls(_COST, _BLOCK, _PARALLEL, salt, _scrypt(password, _COST, _BLOCK, _PARALLEL, salt, 64))

    def verify(self, password: str) -> bool:
        """Whether this is the password; takes the same time whatever the answer."""
        found = _scrypt(password, self.cost, self.block, self.parallel, self.salt, len(self.digest))
        return hmac.compare_digest(found, self.digest)

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"scrypt${self.cost}${self.block}${self.parallel}${salt}${digest}"


def _scrypt(password: str, cost: int, block: int, parallel: int, salt: bytes, length: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=cost,
        r=block,
        p=parallel,
        # OpenSSL's own limit is 32 MiB; it counts some working memory beside 128 x N x r.
        maxmem=2 * _MEMORY_MAX_BYTES,
        dklen=length,
    )


def keyed_hash(secret: str, *parts: str) -> str:
    """HMAC-SHA256 of ``parts`` in lower-case hex: names something without telling what."""
    message = b"".join(len(part := text.encode("utf-8", "surrogatepass")).to_bytes(4, "big") + part for text in parts)
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def sign_token(claims: Mapping[str, Any], secret: str) -> str:
    """``claims`` as a JWT."""
    import jwt

    return jwt.encode(dict(claims), secret, algorithm=_ALGORITHM)


def read_token(token: str, secret: str) -> Mapping[str, Any]:
    """The claims of a token signed with ``secret``. Times in it are the caller's to judge.

    Raises ``InvalidToken``; so does an unsigned token, or one of another algorithm.
    """
    import jwt

    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise InvalidToken("not signed by this arena") from error
    return claims
