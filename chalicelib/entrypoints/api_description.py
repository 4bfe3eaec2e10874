"""What the OpenAPI document says beside the routes: introduction, sign-in, tags, refusals of kinds of route."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.arena.rate_limits import UNLIMITED
from chalicelib.entrypoints.routing import Route

API_VERSION: Final = "0.1.0"

_INTRODUCTION: Final = """\
The back end of AIBA Arena, a Telegram game of AI brokers.

**Envelope.** A success is `{"ok": true, "data": ..., "requestId": "..."}`. A few older endpoints answer with an object
of their own that has `ok: true` beside its fields. A refusal is
`{"ok": false, "error": {"code", "message", "details"?}, "requestId"}`; decide by `code`, which never changes.

**Sign-in.** Players send Telegram's signed `initData` in `X-Telegram-Init-Data`, or as `initData` in a JSON body.

**Fields.** Absent, `null` and `""` are the same: missing. Text is trimmed and measured in UTF-16 units afterwards.
Where text belongs, a number or boolean is taken as its text; where a number belongs, numeric text is taken as its
number, rounded down. Fields nobody asked for are ignored. All wrong fields are reported together in `error.details`.

**Trying again.** Battles and broker actions take a `requestId` of yours and happen once for it; a repeated request
gets the first one's answer. Other requests have none: look before you repeat one that makes something. After 503, and
after a 429 that says `Retry-After`, wait that many seconds.

**Rate limits.** Clients are counted by address, and players who fight battles by player as well. Every answer of a
limited route, refusals included, says in `RateLimit` and `X-RateLimit-*` how much is left.
"""

INFO: Final[Mapping[str, Any]] = {
    "title": "AIBA Arena",
    "version": API_VERSION,
    "summary": "Battles, brokers, guilds, leaderboards and the economy of AIBA Arena.",
    "description": _INTRODUCTION,
    "license": {"name": "MIT"},
}

SERVERS: Final = [{"url": ".", "description": "Where this document came from."}]

TAGS: Final[Mapping[str, str]] = {
    "battle": "Fighting battles and their results.",
    "battles": "The player's battles so far.",
    "brokers": "A player's brokers: new ones, training, repair, upgrade, combination.",
    "comms": "Service status and where to find help.",
    "economy": "Balances, settings and the profile.",
    "game-modes": "What can be fought, and what it costs.",
    "guilds": "Guilds, their members and their pools.",
    "home": "The region that decides for the player.",
    "leaderboard": "Rankings.",
    "live": "Results as they happen.",
    "ops": "What the region does, how it scales, and what may be done about it. For operators.",
    "realms": "Realms of the game's world.",
    "replication": "What regions tell each other.",
    "transactions": "What the player was paid and what they spent.",
    "admin": "For operators.",
    "operations": "Health, metrics and this document.",
}

SECURITY_SCHEMES: Final[Mapping[str, Any]] = {
    "telegramInitData": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Telegram-Init-Data",
        "description": "Telegram.WebApp.initData as the client received it. `./arena initdata` prints one for the "
        "local arena.",
    },
    "operatorToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "From POST /api/admin/auth/login. `X-Admin-Token` carries it as well.",
    },
}

RATE_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "X-RateLimit-Limit": {
        "description": "Requests admitted at once after a rest: by the limit that refused, else by the player's own, "
        "else by the one nearest to its end.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "X-RateLimit-Remaining": {
        "description": "Requests that limit would admit at once now.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "X-RateLimit-Reset": {
        "description": "When all of that limit is back, seconds since 1970.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "X-RateLimit-Degraded": {
        "description": "Present while requests are counted by each environment alone, against its share of the limits.",
        "schema": {"const": "1"},
    },
    "RateLimit": {
        "description": "What is left of each policy (r), and after how many seconds there is more (t): "
        "draft-ietf-httpapi-ratelimit-headers.",
        "schema": {"type": "string", "examples": ['"global";r=599;t=1, "api";r=50;t=1']},
    },
    "RateLimit-Policy": {
        "description": "The policies counted: quota (q), and the seconds in which it is restored (w).",
        "schema": {"type": "string", "examples": ['"global";q=600;w=60, "api";q=51;w=3']},
    },
}
"""Of the answers of limited routes. None is sent where limits are off."""

_METHODS_WITH_BODY: Final = ("POST", "PUT", "PATCH")


def common_refusals(route: Route) -> dict[int, tuple[str, ...]]:
    """Error codes by status that any route of this kind may answer with."""
    refusals: dict[int, tuple[str, ...]] = {500: ("internal server error",)}
    if route.standalone:
        return refusals
    refusals = {500: ("internal server error", "misconfigured"), 503: ("secrets_unavailable", "database_unavailable")}
    if route.rate_class != UNLIMITED:
        refusals[429] = ("rate_limited",)
    if route.body or route.query:
        refusals[400] = ("validation_error",)
    if route.method in _METHODS_WITH_BODY:
        refusals[400] = (*refusals.get(400, ()), "invalid_json")
        refusals[413] = ("payload_too_large",)
        refusals[503] = (*refusals[503], "busy")
        refusals[409] = ("conflict",)
    if route.authenticated:
        refusals[401] = (
            "telegram auth failed",
            "telegram auth expired",
            "telegram auth missing user id",
            "telegram auth required",
            "bad_forwarding",
        )
        refusals[503] = (*refusals[503], "home_moving", "home_unavailable", "home_unreachable")
    if route.operator:
        refusals[401] = ("admin auth required", "admin auth failed", "admin auth expired")
        # Where no operator is configured.
        refusals[404] = ("not_found",)
    return refusals
