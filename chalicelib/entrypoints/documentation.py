"""The API's document and its page: GET /openapi.json and GET /docs, from this process alone."""

from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from chalicelib.entrypoints import wire
from chalicelib.entrypoints.http import Answer, Call, Reply, Route, Routes
from chalicelib.errors import NotFound

SWAGGER_UI_VERSION: Final = "5.35.0"
"""Of the npm package swagger-ui-dist, whose files lie unchanged in ``page`` beside their licences."""

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # The page's library sets style attributes.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
}
_CHECK_EACH_TIME: Final = "public, no-cache"
_KEEP: Final = "public, max-age=86400"


class Documentation:
    """Describes ``rooms`` and itself. Building the document imports what only it needs, when first asked."""

    def __init__(self, rooms: Iterable[Routes]) -> None:
        self.routes = _routes(self)
        self._rooms = (*rooms, self.routes)

    @property
    def declared(self) -> list[Route]:
        """Every route the document is built from."""
        return [route for room in self._rooms for route in room.declared]

    @cached_property
    def document(self) -> dict[str, Any]:
        from chalicelib.entrypoints import openapi

        return openapi.document(self.declared)

    @cached_property
    def text(self) -> str:
        return wire.dumps(self.document)

    @cached_property
    def page(self) -> str:
        return _read("index.html").replace("{version}", _page_version())


def _routes(documentation: Documentation) -> Routes:
    routes = Routes(__name__)

    @routes.route(
        "GET",
        "/openapi.json",
        standalone=True,
        summary="This document",
        answers=(Answer("OpenApiDocument", media_type="application/json"), Answer(None, 304)),
    )
    def openapi_document(call: Call) -> Reply:
        return _file(call, documentation.text, "application/json; charset=utf-8", _CHECK_EACH_TIME)

    @routes.route(
        "GET",
        "/docs",
        standalone=True,
        summary="This document as a page to read and to try requests on",
        answers=(Answer("Text", media_type="text/html; charset=utf-8"), Answer(None, 304)),
    )
    def api_page(call: Call) -> Reply:
        reply = _file(call, documentation.page, "text/html; charset=utf-8", _CHECK_EACH_TIME)
        policy = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "no-referrer"}
        return Reply(reply.body, reply.status, {**reply.headers, **policy})

    @routes.route(
        "GET",
        "/docs/{asset}",
        standalone=True,
        summary="What the page is made of",
        answers=(*(Answer("Text", media_type=kind) for kind in sorted(set(ASSETS.values()))), Answer(None, 304)),
        refusals={404: ("not_found",)},
    )
    def api_page_asset(call: Call) -> Reply:
        name = call.path["asset"]
        if name not in ASSETS:
            raise NotFound("not_found", "no such file")
        return _file(call, _read(name), ASSETS[name], _KEEP)

    return routes


def _file(call: Call, text: str, content_type: str, caching: str) -> Reply:
    """``text``, or 304 to a client that has it already."""
    tag = f'"{sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": caching}
    known = [given.strip().removeprefix("W/") for given in call.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Reply("", 304, headers)
    return Reply(text, 200, {**headers, "Content-Type": content_type})


def _page_version() -> str:
    """Changes whenever an asset does: browsers keep assets by address."""
    return sha256("".join(_read(name) for name in ASSETS).encode()).hexdigest()[:12]


def _read(name: str) -> str:
    # Not before somebody looks: no request of a game needs it.
    from importlib import resources

    return (resources.files("chalicelib.entrypoints") / "page" / name).read_text(encoding="utf-8")
