"""One way to declare a route: parse, authenticate, validate, call, answer in the game's envelope.

Order of checks, as the game's: body size and JSON (413, 400), authentication (401), fields (400), then
the handler. Handlers take a ``Call`` and return a body, a ``Reply``, or raise an ``ArenaError``.
"""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalice.app import Blueprint, Chalice, Request, Response

from chalicelib import wiring
from chalicelib.arena.initdata import Identity
from chalicelib.arena.jstext import well_formed
from chalicelib.entrypoints import wire
from chalicelib.entrypoints.validation import Field, validate
from chalicelib.errors import ArenaError, BadRequest, InternalError, NotFound
from chalicelib.observability import logger
from chalicelib.settings import SettingsError

JSON_TYPE: Final = "application/json; charset=utf-8"
EXPOSED_HEADERS: Final = ", ".join(
    (
        "X-Request-Id",
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "RateLimit",
        "RateLimit-Policy",
    )
)
ALLOWED_METHODS: Final = "GET,PUT,PATCH,POST,DELETE"
_REQUEST_ID: Final = re.compile(r"^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$")
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]+|null", re.I)
_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request, parsed: ``body``, ``query`` and ``path`` hold validated fields only."""

    request_id: str
    headers: Mapping[str, str]
    identity: Identity | None
    sent: Mapping[str, Any]
    """The JSON object as the client sent it, unvalidated."""
    body: Mapping[str, Any]
    query: Mapping[str, Any]
    path: Mapping[str, str]
    environment: wiring.Arena | None

    @property
    def arena(self) -> wiring.Arena:
        """The environment's services. Not on standalone routes."""
        if self.environment is None:
            raise RuntimeError("this route is standalone")
        return self.environment

    @property
    def telegram_id(self) -> str:
        """The player's id. Only on routes that authenticate."""
        if self.identity is None:
            raise RuntimeError("this route does not authenticate")
        return self.identity.telegram_id


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose status or headers differ from 200 and none; text is sent as it is."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route promises when it succeeds: a shape of ``schemas`` by name, and the status."""

    shape: str
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A declared route: what its requests are checked against, and what its document says."""

    method: str
    path: str
    authenticated: bool
    standalone: bool
    body: Mapping[str, Field]
    query: Mapping[str, Field]
    handler: Handler
    summary: str
    answers: tuple[Answer, ...]
    refusals: Mapping[int, tuple[str, ...]]
    """Error codes of its own by status, beside those every route of its kind has."""


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
        standalone: bool = False,
        body: Mapping[str, Field] | None = None,
        query: Mapping[str, Field] | None = None,
        summary: str = "",
        answers: tuple[Answer, ...] = (),
        refusals: Mapping[int, tuple[str, ...]] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Registers a handler for ``method`` on ``path`` (Chalice pattern).

        A ``standalone`` route answers even while settings or secrets can't be read; it has no arena.
        ``summary``, ``answers`` and ``refusals`` are the route's part of the OpenAPI document.
        """

        def register(handler: Handler) -> Handler:
            route = Route(
                method=method,
                path=path,
                authenticated=authenticated,
                standalone=standalone,
                body=body or {},
                query=query or {},
                handler=handler,
                summary=summary,
                answers=answers,
                refusals=refusals or {},
            )
            self.declared.append(route)

            def view(**path_values: str) -> Response:
                return _answer(_current(self.blueprint), route, path_values)

            view.__name__ = handler.__name__
            # Any content type is let through: what is not JSON is refused as invalid_json, in the envelope.
            self.blueprint.route(path, methods=[method], content_types=["*/*"])(view)
            return handler

        return register


def request_id_of(headers: Mapping[str, str]) -> str:
    """The caller's X-Request-Id, trimmed, if it is fit for a header and a log; else a fresh UUID."""
    given = headers.get("x-request-id", "").strip()
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


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


def add_preflight(app: Chalice) -> None:
    """Answers OPTIONS on every route registered so far."""

    def preflight(**_path_values: str) -> Response:
        request = _current(app)
        headers = cors_headers(request.headers.get("origin"), _known_origins())
        if "Access-Control-Allow-Origin" in headers:
            headers["Vary"] = "Origin, Access-Control-Request-Headers"
            headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
            headers["Access-Control-Max-Age"] = "600"
            wanted = request.headers.get("access-control-request-headers")
            if wanted:
                headers["Access-Control-Allow-Headers"] = wanted
        return _response("", 204, headers)

    for path in list(app.routes):
        app.route(path, methods=["OPTIONS"], content_types=["*/*"])(preflight)


def refuse_unrouted(app: Chalice) -> None:
    """Puts what Chalice itself would answer (no such route or method) into the envelope."""

    def middleware(request: Request | None, get_response: Callable[[Any], Response]) -> Response:
        context = getattr(request, "context", None) or {}
        methods = app.routes.get(str(context.get("resourcePath")), {})
        if request is not None and context.get("httpMethod") in methods:
            return get_response(request)
        headers = request.headers if request is not None else {}
        return _refusal(
            NotFound("not_found", "no such route"),
            cors_headers(headers.get("origin"), _known_origins()),
            request_id_of(headers),
        )

    app.register_middleware(middleware, "http")


def _answer(request: Request, route: Route, path_values: Mapping[str, str]) -> Response:
    started = time.perf_counter()
    request_id = request_id_of(request.headers)
    cors = {"Vary": "Origin"}
    try:
        arena = None if route.standalone else wiring.arena()
        if arena is not None:
            cors = cors_headers(request.headers.get("origin"), arena.settings.cors_origins)
        reply = _reply(request, route, path_values, request_id, arena)
        response = _accepted(reply, cors, request_id)
    except ArenaError as error:
        response = _refusal(error, cors, request_id)
    except SettingsError as error:
        logger().error("settings refused", problems=list(error.problems), request_id=request_id)
        response = _refusal(InternalError("misconfigured", "the service is misconfigured"), cors, request_id)
    except Exception:  # noqa: BLE001 - the last resort: whatever happened, the client gets the envelope
        logger().exception("unhandled error", route=route.path, request_id=request_id)
        response = _refusal(InternalError("internal server error"), cors, request_id)
    logger().info(
        "request",
        method=route.method,
        route=route.path,
        status=response.status_code,
        duration_ms=round((time.perf_counter() - started) * 1000, 2),
        request_id=request_id,
    )
    return response


def _reply(
    request: Request, route: Route, path_values: Mapping[str, str], request_id: str, arena: wiring.Arena | None
) -> Reply:
    sent: Mapping[str, Any] = {}
    identity = None
    if arena is not None:
        if route.method in _METHODS_WITH_BODY:
            sent = wire.decode_body(_raw_body(request), limit_bytes=arena.settings.body_limit_bytes)
        if route.authenticated:
            identity = _identify(arena, request.headers, sent)
    call = Call(
        request_id=request_id,
        headers=request.headers,
        identity=identity,
        sent=sent,
        body=validate(route.body, sent),
        query=validate(route.query, dict(request.query_params or {})),
        path={name: well_formed(value) for name, value in path_values.items()},
        environment=arena,
    )
    result = route.handler(call)
    return result if isinstance(result, Reply) else Reply(result)


def _identify(arena: wiring.Arena, headers: Mapping[str, str], sent: Mapping[str, Any]) -> Identity:
    return arena.sign_in.identify(
        init_data=headers.get("x-telegram-init-data") or sent.get("initData"),
        claimed_id=headers.get("x-telegram-id", ""),
        claimed_username=headers.get("x-telegram-username", ""),
    )


def _raw_body(request: Request) -> bytes:
    try:
        raw = request.raw_body
    except ValueError as error:
        raise BadRequest("invalid_json", "the body is not valid base64") from error
    return raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw or b""


def _known_origins() -> tuple[str, ...] | None:
    """The allowed origins, or None while settings or secrets can't be read."""
    try:
        return wiring.arena().settings.cors_origins
    except (SettingsError, ArenaError):
        return None


def _accepted(reply: Reply, cors: Mapping[str, str], request_id: str) -> Response:
    headers = {**_common_headers(cors, request_id), **reply.headers}
    if isinstance(reply.body, str):
        return _response(reply.body, reply.status, headers)
    text = wire.dumps(wire.success(reply.body, request_id))
    return _response(text, reply.status, {"Content-Type": JSON_TYPE, **headers})


def _refusal(error: ArenaError, cors: Mapping[str, str], request_id: str) -> Response:
    headers = {"Content-Type": JSON_TYPE, **_common_headers(cors, request_id), **error.headers}
    return _response(wire.dumps(wire.failure(error, request_id)), error.status, headers)


def _common_headers(cors: Mapping[str, str], request_id: str) -> dict[str, str]:
    return {"X-Request-Id": request_id, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **cors}


def _response(text: str, status: int, headers: Mapping[str, str]) -> Response:
    return Response(body=text, status_code=status, headers=dict(headers))


def _current(source: Blueprint | Chalice) -> Request:
    request = source.current_request
    if request is None:
        raise RuntimeError("no request is being served")
    return request
