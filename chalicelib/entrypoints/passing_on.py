"""Requests that only a player's home region may decide: waited for while the player moves here, passed on elsewhere."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote, urlencode

from chalice.app import Request, Response

from chalicelib.arena.homes import HomeMoving, NotHome
from chalicelib.entrypoints.incoming import raw_body
from chalicelib.entrypoints.outgoing import JSON_TYPE, respond
from chalicelib.entrypoints.routing import Route
from chalicelib.errors import Unavailable
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib import wiring
    from chalicelib.replication.forwarding import Forwarded

T = TypeVar("T")

FORWARDED: Final = "x-arena-forwarded"
SERVED_BY: Final = "X-Arena-Served-By"
ARRIVAL_SECONDS: Final = 3.0
"""How long a request waits for a player to arrive; replication takes about a second."""
ARRIVAL_PAUSE_SECONDS: Final = 0.1

_PASSED_ON: Final = ("content-type", "x-telegram-init-data", "x-telegram-id", "x-telegram-username", "idempotency-key")
_PASSED_BACK: Final = ("content-type", "retry-after")


def vouched_for(
    arena: "wiring.Arena", request: Request, route: Route, path_values: Mapping[str, str]
) -> "Forwarded | None":
    """Which region passed a request on; None for a client's own. Raises ``Unauthorized("bad_forwarding")``."""
    value = request.headers.get(FORWARDED)
    if value is None or not arena.settings.replication.is_on:
        return None
    from chalicelib.replication.forwarding import vouched

    return vouched(
        arena.keyring,
        value,
        method=route.method,
        path=_path(route, path_values, request),
        body=raw_body(request),
        now=arena.clock(),
        regions=frozenset(arena.settings.replication.regions),
    )


def at_home(arena: "wiring.Arena", telegram_id: str) -> None:
    """Raises ``NotHome``, ``HomeMoving`` or ``Unavailable`` unless this region decides for the player."""
    homes = arena.homes()
    if homes is not None:
        homes.require(arena.players.account(telegram_id).player)


def settled(arena: "wiring.Arena", work: Callable[[], T]) -> T:
    """What ``work`` gives, once a player who moves here has arrived. Raises ``HomeMoving`` after a while."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while True:
        try:
            return work()
        except HomeMoving as moving:
            if not arena.moves.settle(moving.telegram_id):
                if time.monotonic() >= deadline:
                    raise
                time.sleep(ARRIVAL_PAUSE_SECONDS)


def passed_on(
    arena: "wiring.Arena",
    request: Request,
    route: Route,
    path_values: Mapping[str, str],
    *,
    home: NotHome,
    client: str,
    request_id: str,
    cors: Mapping[str, str],
) -> Response:
    """The home region's answer. Raises ``Unavailable`` where the home can't be asked."""
    if request.headers.get(FORWARDED) is not None:
        # Each region takes the other for the home: roles or a move are on their way.
        raise Unavailable("home_moving", "the player's home is changing", retry_after_seconds=1)
    url = arena.region_roles.roles()[home.region].url
    if url is None:
        raise Unavailable("home_unreachable", f"the address of {home.region} is not known here")
    from chalicelib.replication.forwarding import voucher

    path, body = _path(route, path_values, request), raw_body(request)
    signed = voucher(
        arena.keyring,
        region=arena.settings.region,
        client=client,
        method=route.method,
        path=path,
        body=body,
        now=arena.clock(),
    )
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    answer = arena.home_api.ask(
        route.method, url + path, {**headers, FORWARDED: signed, "x-request-id": request_id}, body
    )
    logger().info("passed on", home=home.region, status=answer.status, route=route.path)
    kept = {name.title(): answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
    own = {"X-Request-Id": request_id, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **cors}
    return respond(answer.body, answer.status, {"Content-Type": JSON_TYPE, **own, **kept, SERVED_BY: home.region})


def _path(route: Route, path_values: Mapping[str, str], request: Request) -> str:
    path = route.path.format(**{name: quote(value, safe="") for name, value in path_values.items()})
    query = urlencode(sorted((request.query_params or {}).items()))
    return f"{path}?{query}" if query else path
