"""Reading a request: its id, its raw body, the request being served."""

import uuid
from collections.abc import Mapping

from chalice.app import Blueprint, Chalice, Request

from chalicelib.errors import BadRequest
from chalicelib.observability import fit_id


def request_id_of(headers: Mapping[str, str]) -> str:
    """The caller's X-Request-Id, trimmed, if it is fit for a header and a log; else a fresh UUID."""
    return fit_id(headers.get("x-request-id", "").strip()) or str(uuid.uuid4())


def raw_body(request: Request) -> bytes:
    """The body as bytes; raises ``BadRequest("invalid_json")`` for text that is not the base64 it claims to be."""
    try:
        raw = request.raw_body
    except ValueError as error:
        raise BadRequest("invalid_json", "the body is not valid base64") from error
    return raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw or b""


def current_request(source: Blueprint | Chalice) -> Request:
    """The request ``source`` is serving now."""
    request = source.current_request
    if request is None:
        raise RuntimeError("no request is being served")
    return request
