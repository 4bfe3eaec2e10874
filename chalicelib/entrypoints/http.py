"""One way to declare a route: parse, authenticate, validate, call, answer in the game's envelope.

Order of checks, as the game's: limits of the client's address (429), body size and JSON (413, 400), authentication
(401), limits of the player (429), fields (400), then the handler. Handlers take a ``Call`` and return a body, a
``Reply``, or raise an ``ArenaError``.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from chalice.app import Blueprint, Chalice, Request, Response

from chalicelib import wiring
from chalicelib.arena.homes import NotHome
from chalicelib.arena.initdata import Identity
from chalicelib.arena.jstext import well_formed
from chalicelib.arena.rate_limits import UNLIMITED, require_rate_class
from chalicelib.entrypoints import wire
from chalicelib.entrypoints.cors import allowed_origins, cors_headers, known_origins
from chalicelib.entrypoints.incoming import current_request, raw_body, request_id_of
from chalicelib.entrypoints.limiting import Gate, client_of
from chalicelib.entrypoints.outgoing import accepted, refused
from chalicelib.entrypoints.passing_on import FORWARDED, at_home, passed_on, settled, vouched_for
from chalicelib.entrypoints.routing import Answer, Call, Handler, Reply, Route
from chalicelib.entrypoints.validation import Field, validate
from chalicelib.errors import ArenaError, InternalError, NotFound, Unauthorized
from chalicelib.monitoring.meters import Work
from chalicelib.observability import correlated, logger
from chalicelib.settings import SettingsError

__all__ = ["Answer", "Call", "Handler", "Reply", "Route", "Routes", "refuse_unrouted"]

_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class Routes:
    """A Chalice Blueprint whose routes speak the game's wire contract."""

    def __init__(self, import_name: str) -> None:
        self.blueprint = Blueprint(import_name)
        self.declared: list[Route] = []

    def route(
        self,
        method: str,
        path: str,
        *,
        authenticated: bool = False,
        operator: bool = False,
        operator_sign_in: bool = False,
        standalone: bool = False,
        at_home: bool = False,
        rate_class: str | None = None,
        body: Mapping[str, Field] | None = None,
        query: Mapping[str, Field] | None = None,
        summary: str = "",
        answers: tuple[Answer, ...] = (),
        refusals: Mapping[int, tuple[str, ...]] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Registers a handler for ``method`` on ``path`` (Chalice pattern).

        An ``operator`` route asks for an operator's token before anything else and does not exist where no operator
        is configured; an ``operator_sign_in`` route does not exist there either, and asks for no token. A
        ``standalone`` route answers even while settings or secrets can't be read; it has no arena. An ``at_home`` route
        is answered by the player's home region only; others pass it on there.
        ``rate_class`` names the limits that hold for it: "api" unless it is standalone, which none do.
        ``summary``, ``answers`` and ``refusals`` are the route's part of the OpenAPI document.
        """

        limited_as = require_rate_class(rate_class or (UNLIMITED if standalone else "api"), f"{method} {path}")

        def register(handler: Handler) -> Handler:
            route = Route(
                method=method,
                path=path,
                authenticated=authenticated,
                operator=operator,
                operator_sign_in=operator_sign_in,
                standalone=standalone,
                at_home=at_home,
                rate_class=limited_as,
                body=body or {},
                query=query or {},
                handler=handler,
                summary=summary,
                answers=answers,
                refusals=refusals or {},
            )
            self.declared.append(route)

            def view(**path_values: str) -> Response:
                request = current_request(self.blueprint)
                request_id = request_id_of(request.headers)
                with correlated(request_id):
                    return _answer(request, route, path_values, request_id)

            view.__name__ = handler.__name__
            # Any content type is let through: what is not JSON is refused as invalid_json, in the envelope.
            self.blueprint.route(path, methods=[method], content_types=["*/*"])(view)
            return handler

        return register


def refuse_unrouted(app: Chalice) -> None:
    """Puts what Chalice itself would answer (no such route or method) into the envelope."""

    def middleware(request: Request | None, get_response: Callable[[Any], Response]) -> Response:
        context = getattr(request, "context", None) or {}
        methods = app.routes.get(str(context.get("resourcePath")), {})
        if request is not None and context.get("httpMethod") in methods:
            return get_response(request)
        headers = request.headers if request is not None else {}
        return refused(
            NotFound("not_found", "no such route"),
            cors_headers(headers.get("origin"), known_origins("", headers.get("origin"))),
            request_id_of(headers),
        )

    app.register_middleware(middleware, "http")


def _answer(request: Request, route: Route, path_values: Mapping[str, str], request_id: str) -> Response:
    started = time.perf_counter()
    cors = {"Vary": "Origin"}
    gate = Gate(None, route.rate_class, request_id)
    work: Work | None = None
    arena: wiring.Arena | None = None
    logger().debug("request begins", method=route.method, route=route.path)
    try:
        arena = None if route.standalone else wiring.arena()
        if arena is not None:
            work = arena.meters.begin()
            origin = request.headers.get("origin")
            cors = cors_headers(origin, allowed_origins(arena, route.path, origin))
            gate.limits = arena.rate_limits
        response = _served(request, route, path_values, gate, arena, cors)
    except ArenaError as error:
        response = refused(error, cors, request_id)
    except SettingsError as error:
        logger().error("settings refused", problems=list(error.problems))
        response = refused(InternalError("misconfigured", "the service is misconfigured"), cors, request_id)
    except Exception:  # noqa: BLE001 - the last resort: whatever happened, the client gets the envelope
        logger().exception("unhandled error", route=route.path)
        response = refused(InternalError("internal server error"), cors, request_id)
    response.headers.update(gate.headers())
    if work is not None:
        gate.count(work.meter)
        work.answered(f"{route.method} {route.path}", response.status_code)
    logger().info(
        "request",
        method=route.method,
        route=route.path,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - started) * 1000, 2),
    )
    return response


def _served(
    request: Request,
    route: Route,
    path_values: Mapping[str, str],
    gate: Gate,
    arena: wiring.Arena | None,
    cors: Mapping[str, str],
) -> Response:
    """Answered here, or by the player's home region."""
    try:
        return accepted(_reply(request, route, path_values, gate, arena), cors, gate.request_id)
    except NotHome as home:
        if arena is None:
            raise
        client = client_of(request.context, request.headers, arena.settings.rates.trusted_proxies)
        return passed_on(
            arena,
            request,
            route,
            path_values,
            home=home,
            client=client,
            request_id=gate.request_id,
            cors=cors,
        )


def _reply(
    request: Request, route: Route, path_values: Mapping[str, str], gate: Gate, arena: wiring.Arena | None
) -> Reply:
    sent: Mapping[str, Any] = {}
    identity = operator = None
    client = ""
    if arena is not None:
        client = _counted(request, route, path_values, gate, arena)
        if route.operator:
            operator = _identify_operator(arena, request.headers)
        if route.operator_sign_in:
            arena.operators.sign_in.require_configured()
        # Nothing is asked of the body of an unknown path: it has one answer, whatever is sent there.
        if route.method in _METHODS_WITH_BODY and (route.body or route.authenticated):
            sent = wire.decode_body(raw_body(request), limit_bytes=arena.settings.body_limit_bytes)
        if route.authenticated:
            identity = _identify(arena, request.headers, sent)
            gate.admit("player", identity.telegram_id)
            arena.meters.served(identity.telegram_id)
    call = Call(
        request_id=gate.request_id,
        headers=request.headers,
        identity=identity,
        sent=sent,
        body=validate(route.body, sent),
        query=validate(route.query, dict(request.query_params or {})),
        path={name: well_formed(value) for name, value in path_values.items()},
        environment=arena,
        client_address=client,
        operator_email=operator,
    )
    if arena is None or not arena.settings.replication.is_on:
        result = route.handler(call)
    else:
        result = settled(arena, lambda: _at_home(arena, route, call))
    return result if isinstance(result, Reply) else Reply(result)


def _counted(request: Request, route: Route, path_values: Mapping[str, str], gate: Gate, arena: wiring.Arena) -> str:
    """Whom the request is counted to: the sender, or the client another region has counted it to already."""
    client = client_of(request.context, request.headers, arena.settings.rates.trusted_proxies)
    try:
        passed = vouched_for(arena, request, route, path_values) if FORWARDED in request.headers else None
    except Unauthorized:
        gate.admit("address", client)
        raise
    if passed is not None:
        return passed.client
    gate.admit("address", client)
    return client


def _at_home(arena: wiring.Arena, route: Route, call: Call) -> Any:
    if route.at_home:
        at_home(arena, call.telegram_id)
    return route.handler(call)


def _identify(arena: wiring.Arena, headers: Mapping[str, str], sent: Mapping[str, Any]) -> Identity:
    return arena.sign_in.identify(
        init_data=headers.get("x-telegram-init-data") or sent.get("initData"),
        claimed_id=headers.get("x-telegram-id", ""),
        claimed_username=headers.get("x-telegram-username", ""),
    )


def _identify_operator(arena: wiring.Arena, headers: Mapping[str, str]) -> str:
    scheme, _, bearer = headers.get("authorization", "").strip().partition(" ")
    given = bearer if scheme.lower() == "bearer" else headers.get("x-admin-token", "")
    return arena.operators.sign_in.identify(given.strip())
