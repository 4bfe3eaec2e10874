"""The API's document and its page: GET /openapi.json and GET /docs, from this process alone."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

from chalicelib.entrypoints import wire
from chalicelib.entrypoints.http import Answer, Call, Reply, Route, Routes
from chalicelib.entrypoints.static_files import CSS, HTML, JAVASCRIPT, Folder, file_reply, page_reply

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
    "swagger-ui-bundle.js": JAVASCRIPT,
    "swagger-ui.css": CSS,
    "start.js": JAVASCRIPT,
    "page.css": CSS,
}
_FOLDER: Final = Folder("entrypoints/page", ASSETS)


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
        return _FOLDER.read("index.html").replace("{version}", _FOLDER.version)


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
        return file_reply(call, documentation.text, "application/json; charset=utf-8")

    @routes.route(
        "GET",
        "/docs",
        standalone=True,
        summary="This document as a page to read and to try requests on",
        answers=(Answer("Text", media_type=HTML), Answer(None, 304)),
    )
    def api_page(call: Call) -> Reply:
        return page_reply(call, documentation.page, CONTENT_SECURITY_POLICY)

    @routes.route(
        "GET",
        "/docs/{asset}",
        standalone=True,
        summary="What the page is made of",
        answers=(*(Answer("Text", media_type=kind) for kind in sorted(set(ASSETS.values()))), Answer(None, 304)),
        refusals={404: ("not_found",)},
    )
    def api_page_asset(call: Call) -> Reply:
        return _FOLDER.asset(call)

    return routes
