"""Cross-origin rules: which origins may read answers, and the preflight they ask first."""

import re
from typing import Final

from chalice.app import Chalice, Response

from chalicelib import wiring
from chalicelib.entrypoints.incoming import current_request
from chalicelib.entrypoints.limiting import RATE_HEADERS
from chalicelib.entrypoints.outgoing import respond
from chalicelib.errors import ArenaError
from chalicelib.settings import SettingsError

EXPOSED_HEADERS: Final = ", ".join(("X-Request-Id", "Retry-After", *RATE_HEADERS))
ALLOWED_METHODS: Final = "GET,PUT,PATCH,POST,DELETE"
CONSOLE_ASKS: Final = ("/api/ops/", "/health/ready")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]+|null", re.I)


def cors_headers(origin: str | None, allowed: tuple[str, ...] | None) -> dict[str, str]:
    """CORS headers for ``origin``: reflected when allowed. An empty ``allowed`` reflects any, None none."""
    if origin is None or allowed is None or (allowed and origin not in allowed) or not _ORIGIN.fullmatch(origin):
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
    }


def allowed_origins(arena: wiring.Arena, path: str, origin: str | None) -> tuple[str, ...]:
    """Whose pages may read answers of ``path``: the settings', and of what operators' consoles ask the regions' own.

    A console served by one region asks the others, with a token that no browser adds by itself.
    """
    allowed = arena.settings.cors_origins
    if origin is None or not allowed or origin in allowed or not path.startswith(CONSOLE_ASKS):
        return allowed
    return (*allowed, *arena.region_roles.origins())


def add_preflight(app: Chalice) -> None:
    """Answers OPTIONS on every route registered so far."""

    def preflight(**_path_values: str) -> Response:
        request = current_request(app)
        origin = request.headers.get("origin")
        headers = cors_headers(origin, known_origins(str(request.context.get("resourcePath")), origin))
        if "Access-Control-Allow-Origin" in headers:
            headers["Vary"] = "Origin, Access-Control-Request-Headers"
            headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
            headers["Access-Control-Max-Age"] = "600"
            wanted = request.headers.get("access-control-request-headers")
            if wanted:
                headers["Access-Control-Allow-Headers"] = wanted
        return respond("", 204, headers)

    for path in list(app.routes):
        app.route(path, methods=["OPTIONS"], content_types=["*/*"])(preflight)


def known_origins(path: str, origin: str | None) -> tuple[str, ...] | None:
    """The allowed origins, or None while settings or secrets can't be read."""
    try:
        return allowed_origins(wiring.arena(), path, origin)
    except (SettingsError, ArenaError):
        return None
