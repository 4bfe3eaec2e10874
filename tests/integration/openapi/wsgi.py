"""The Chalice app as a WSGI application, so that a tester of HTTP APIs can call it in this process."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from chalice.app import Chalice

from tests.gateway import call

_REASON = "Answer"


def wsgi_application(app: Chalice) -> Callable[..., Iterable[bytes]]:
    """Each request becomes the event API Gateway would send."""

    def serve(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else None
        path = quote(environ["PATH_INFO"].encode("latin-1"))
        query = environ.get("QUERY_STRING", "")
        answer = call(app, environ["REQUEST_METHOD"], f"{path}?{query}" if query else path, body, headers)
        start_response(f"{answer.status} {_REASON}", list(answer.headers.items()))
        return [answer.text.encode("utf-8", "surrogatepass")]

    return serve
