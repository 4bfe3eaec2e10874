"""Rotates the keys of the arena's secret that are the arena's own to choose, in the four steps of Secrets Manager
(https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html).

The regions' keyring turns by one place: the key everybody has known since the last rotation begins to sign, a new one
is added behind it, and the one that signed until now is believed for one rotation more. So no region ever sees a
signature of a key it has not had for a whole rotation. Operators sign in again after each. Never rotated:
BATTLE_SEED_SECRET, without which battles can't be recomputed, and what others give out (bot token, connection strings,
the operator's password).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, Protocol

JWT: Final = "ADMIN_JWT_SECRET"
KEYRING: Final = "REPLICATION_SECRET"
SHARED: Final = (JWT, KEYRING)
"""The same in every region."""
KEY_ID_CHARACTERS: Final = 12

Step = Literal["createSecret", "setSecret", "testSecret", "finishSecret"]
Secret = Mapping[str, str]


class RotationRefused(Exception):
    """The step can't be taken; Secrets Manager tries the rotation again later, and the secret in force stays."""


class SecretVersions(Protocol):
    """One secret's versions, in one region. Methods raise what the service raises when it does not answer."""

    def current(self) -> Secret: ...

    def pending(self, token: str) -> Secret | None:
        """The version made for this rotation; None if it is not made yet."""
        ...

    def put_pending(self, token: str, secret: Secret) -> None: ...

    def put_current(self, secret: Secret) -> None:
        """A new version that counts at once."""
        ...

    def promote(self, token: str) -> None:
        """Lets this rotation's version count."""
        ...


def take(
    step: Step,
    token: str,
    own: SecretVersions,
    others: Sequence[SecretVersions],
    *,
    new_key: Callable[[], str],
    check: Callable[[Secret], None],
) -> None:
    """One step; repeating one changes nothing. ``check`` raises when functions could not start with a secret.

    Raises RotationRefused.
    """
    if step == "createSecret":
        if own.pending(token) is None:
            own.put_pending(token, rotated(own.current(), token, new_key))
        return
    pending = own.pending(token)
    if pending is None:
        raise RotationRefused("there is no pending version: createSecret comes first")
    if step == "setSecret":
        for other in others:
            _share(pending, other)
    elif step == "testSecret":
        check(pending)
    elif step == "finishSecret":
        own.promote(token)
    else:
        raise RotationRefused(f"unknown step {step!r}")


def rotated(secret: Secret, token: str, new_key: Callable[[], str]) -> dict[str, str]:
    """``secret`` after a rotation; what it does not hold it does not get. ``new_key`` gives 32 characters or more."""
    fresh = dict(secret)
    if secret.get(JWT):
        fresh[JWT] = new_key()
    if secret.get(KEYRING):
        fresh[KEYRING] = turned(secret[KEYRING], f"k{token[:KEY_ID_CHARACTERS]}:{new_key()}")
    return fresh


def turned(keyring: str, fresh: str) -> str:
    """``signs,next[,before]`` becomes ``next,fresh,signs``; a single key stays first, because nobody knows another."""
    signs, *rest = [part.strip() for part in keyring.split(",")]
    return ",".join([rest[0], fresh, signs] if rest else [signs, fresh])


def _share(pending: Secret, other: SecretVersions) -> None:
    held = other.current()
    shared = {name: pending[name] for name in SHARED if name in pending and name in held}
    if any(held[name] != value for name, value in shared.items()):
        other.put_current({**held, **shared})
