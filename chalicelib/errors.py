"""Every error the arena answers with, by HTTP status and stable code.

Services raise these; entrypoints turn them into the game's envelope. Nothing else maps errors.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ArenaError(Exception):
    """A refusal the client can act on.

    ``code`` is stable and part of the wire contract (several of the game's codes contain spaces);
    ``message`` defaults to the code; ``details`` is any JSON value; ``headers`` are added to the answer.
    """

    status: ClassVar[int] = 500

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        details: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.details = details
        self.headers = dict(headers or {})


class BadRequest(ArenaError):
    """The request can never succeed as sent."""

    status = 400


class ValidationFailed(BadRequest):
    """One or more fields are wrong; ``fields`` maps each to the game's error word."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("validation_error", details=dict(fields))


class Unauthorized(ArenaError):
    """The caller is not who they say, or did not say."""

    status = 401


class Forbidden(ArenaError):
    """The caller is known and may not do this now."""

    status = 403


class NotFound(ArenaError):
    """What the request names does not exist."""

    status = 404


class Conflict(ArenaError):
    """The request contradicts something already done."""

    status = 409


class PayloadTooLarge(ArenaError):
    """The body exceeds the configured limit."""

    status = 413


class TooManyRequests(ArenaError):
    """Too soon: a cooldown or a rate limit."""

    status = 429


class InternalError(ArenaError):
    """Our fault; the code says as much as the client may know."""

    status = 500


class Unavailable(ArenaError):
    """A dependency is down; safe to retry after ``retry_after_seconds`` (sent as Retry-After)."""

    status = 503

    def __init__(self, code: str, message: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(code, message, headers={"Retry-After": str(retry_after_seconds)})
        self.retry_after_seconds = retry_after_seconds
