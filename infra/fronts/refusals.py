"""What a front answers by itself, in the game's envelope: the same words as API Gateway's own answers."""

import json
from dataclasses import dataclass
from typing import Final

from infra.fronts.figures import RETRY_AFTER

JSON_TYPE: Final = "application/json; charset=utf-8"
REQUEST_ID_PATTERN: Final = "^[A-Za-z0-9._:-]{1,200}$"
"""Ids that are handed through. Others are replaced: they could end a JSON text, or a log's line."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer of the front's own."""

    code: str
    message: str
    retryable: bool = False

    def envelope(self, request_id: str) -> str:
        """The body; ``request_id`` is what the server replaces by the id."""
        error = {"code": self.code, "message": self.message}
        return json.dumps({"ok": False, "error": error, "requestId": request_id}, separators=(",", ":"))

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(RETRY_AFTER)} if self.retryable else {}


_REFUSED: Final = Refusal("bad_request", "the request was refused")
_NOT_FOUND: Final = Refusal("not_found", "no such route")

REFUSALS: Final[dict[int, Refusal]] = {
    400: _REFUSED,
    403: _REFUSED,
    404: _NOT_FOUND,
    405: _REFUSED,
    408: _REFUSED,
    413: Refusal("payload_too_large", "the request body is too large"),
    414: _REFUSED,
    429: Refusal("rate_limited", "too many requests", retryable=True),
    500: Refusal("internal_error", "internal server error"),
    502: Refusal("bad_gateway", "the server could not answer", retryable=True),
    503: Refusal("unavailable", "no server can answer now", retryable=True),
    504: Refusal("gateway_timeout", "the server did not answer in time", retryable=True),
}
"""By status."""
