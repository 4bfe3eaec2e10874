"""Operators' sign-in: a password gives a token for half a day, the token opens operator routes.

There is one account, in the settings. Without it nothing here exists: every call answers as an unknown route
does. Changing the password or its hash makes older tokens worthless.
"""

import hmac
import math
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.arena.jsnumber import is_json_number
from chalicelib.arena.moments import epoch_ms
from chalicelib.arena.operator_ports import SignInTries
from chalicelib.clock import Clock
from chalicelib.credentials import InvalidToken, keyed_hash, read_token, sign_token
from chalicelib.errors import NotFound, TooManyRequests, Unauthorized
from chalicelib.settings import OperatorSettings

ROLE: Final = "superadmin"
TOKEN_LIFE: Final = timedelta(hours=12)
TRIES_MAX: Final = 5
TRIES_WINDOW: Final = timedelta(minutes=15)


def issue_token(operator: OperatorSettings, now: datetime, life: timedelta = TOKEN_LIFE) -> str:
    """A token for the operator, good for ``life`` from ``now``."""
    issued = epoch_ms(now) // 1000
    return sign_token(
        {
            "sub": operator.email,
            "role": ROLE,
            "iat": issued,
            "exp": issued + int(life.total_seconds()),
            "pwd": _password_mark(operator),
        },
        operator.token_secret,
    )


class OperatorSignIn:
    """Signs operators in and recognises them; ``operator`` None is an arena without any."""

    def __init__(self, operator: OperatorSettings | None, tries: SignInTries, clock: Clock) -> None:
        self._operator = operator
        self._tries = tries
        self._clock = clock

    def login(self, email: str, password: str, client_address: str, life: timedelta = TOKEN_LIFE) -> dict[str, Any]:
        """``{token, tokenType, role, expiresAt}``; the token is good for ``life``.

        Raises ``Unauthorized("invalid credentials")`` whether address or password is wrong, ``TooManyRequests`` after
        five tries with one e-mail address from one client address within 15 minutes, right ones included.
        """
        operator, now = self.require_configured(), self._clock()
        wanted = email.casefold()
        self._count(operator, wanted, client_address, now)
        # The password is checked in either case: the time of the answer must not tell which was wrong.
        password_fits = operator.password_hash.verify(password)
        email_fits = hmac.compare_digest(_bytes(wanted), _bytes(operator.email.casefold()))
        if not (password_fits and email_fits):
            raise Unauthorized("invalid credentials")
        return {
            "token": issue_token(operator, now, life),
            "tokenType": "Bearer",
            "role": ROLE,
            "expiresAt": now + life,
        }

    def identify(self, token: str) -> str:
        """The operator's e-mail address.

        Raises ``NotFound`` where no operator is configured, else ``Unauthorized`` with "admin auth required" (no
        token), "admin auth expired" or "admin auth failed".
        """
        operator = self.require_configured()
        if not token:
            raise Unauthorized("admin auth required")
        try:
            claims = read_token(token, operator.token_secret)
        except InvalidToken as error:
            raise Unauthorized("admin auth failed") from error
        expires = claims.get("exp")
        if not is_json_number(expires):
            raise Unauthorized("admin auth failed")
        if expires * 1000 <= epoch_ms(self._clock()):
            raise Unauthorized("admin auth expired")
        expected = (operator.email, ROLE, _password_mark(operator))
        if (claims.get("sub"), claims.get("role"), claims.get("pwd")) != expected:
            raise Unauthorized("admin auth failed")
        return operator.email

    def require_configured(self) -> OperatorSettings:
        """The operator's account. Raises ``NotFound`` in the words of an unknown route where there is none."""
        if self._operator is None:
            raise NotFound("not_found", "no such route")
        return self._operator

    def _count(self, operator: OperatorSettings, email: str, client_address: str, now: datetime) -> None:
        key = keyed_hash(operator.token_secret, "operator-sign-in", email, client_address)
        tries = self._tries.note(key, now, kept=TRIES_MAX + 1, expires_at=now + TRIES_WINDOW)
        if len(tries) <= TRIES_MAX or tries[0] <= now - TRIES_WINDOW:
            return
        # Only when the oldest but one has left the window is there room for another.
        wait = tries[1] + TRIES_WINDOW - now
        seconds = str(max(1, math.ceil(wait.total_seconds())))
        raise TooManyRequests("rate_limited", headers={"Retry-After": seconds})


def _password_mark(operator: OperatorSettings) -> str:
    return keyed_hash(operator.token_secret, "operator-password", str(operator.password_hash))[:16]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
