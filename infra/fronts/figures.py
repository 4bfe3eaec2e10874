"""The operators' guide's figures for fronts, and the few it lacks. Times in seconds."""

from dataclasses import dataclass
from typing import Final

from chalicelib.arena.rate_limits import API, BATTLE, Limit

# nginx
MAX_FAILS: Final = 3
FAIL_TIMEOUT: Final = 30
UPSTREAM_KEEPALIVE: Final = 32
ZONE_MEGABYTES: Final = 10
NEXT_TRIES: Final = 3
NEXT_TIMEOUT: Final = 10
PASSED_ON: Final = ("error", "timeout", "http_500", "http_502", "http_503", "http_504")
"""What sends a repeatable request to the next server."""
BATTLE_PASSED_ON: Final = ("error", "timeout", "http_502", "non_idempotent")
"""Battles are repeated although they are POST: each has a requestId, and one fight. The guide lists nothing here."""
REPEATED: Final = ("conn-failure", "empty-response", "junk-response", "response-timeout", "500", "502", "503", "504")
BATTLE_REPEATED: Final = ("conn-failure", "empty-response", "junk-response", "502")
"""The two lists in HAProxy's words."""
GZIP_MIN_BYTES: Final = 1024
GZIP_TYPES: Final = (
    *("text/plain", "text/css", "application/json", "application/javascript"),
    *("text/xml", "application/xml", "application/xml+rss", "text/javascript"),
)
STATIC_SECONDS: Final = 365 * 24 * 3600
STATIC_EXTENSIONS: Final = ("js", "css", "png", "jpg", "jpeg", "gif", "ico", "svg", "woff", "woff2")
HSTS: Final = "max-age=31536000; includeSubDomains"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long nginx waits to connect, to send and to read."""

    connect: int
    send: int
    read: int


API_PATIENCE: Final = Patience(5, 10, 10)
BATTLE_PATIENCE: Final = Patience(3, 30, 30)

# HAProxy
MAXCONN: Final = 4096
CONNECT: Final = 5
CLIENT: Final = 50
SERVER: Final = 50
HTTP_REQUEST: Final = 10
HTTP_KEEP_ALIVE: Final = 2
GENERAL_WINDOW: Final = 30
BATTLE_WINDOW: Final = 60
TABLE_SIZE: Final = "1m"

# Not in the guide.
ARENA_TREES: Final = ("/docs",)
ARENA_FILES: Final = ("/openapi.json",)
"""What the arena answers beside ``/api/``. What is for operators alone (/metrics, /health/ready) is not to be had
through a front."""
TUNNEL: Final = 900
"""A WebSocket may be silent for ten minutes (docs/live.md): no front ends it before its gateway does."""
BODY_MEGABYTES: Final = 6
"""Most that Lambda takes. Beneath it the arena's own JSON_BODY_LIMIT decides."""
RETRY_AFTER: Final = 1
"""One more request fits after 50 ms (api) or 200 ms (battle)."""


def admitted_in(limit: Limit, window: int) -> int:
    """Requests of one client in ``window`` seconds: the steady rate and one burst."""
    return limit.rate * window // limit.period_seconds + limit.burst


GENERAL_ADMITTED: Final = admitted_in(API, GENERAL_WINDOW)
BATTLE_ADMITTED: Final = admitted_in(BATTLE, BATTLE_WINDOW)
