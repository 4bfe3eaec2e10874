"""Fault: what a client sends as X-Forwarded-For is thrown away: a function sees the gateway's peer alone.

Now: the peer's address is appended to what was sent, as by AWS.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.handlers.integration_request import IntegrationRequestHandler

from arena_lambda.patches.replacing import replace

_HEADER = "X-Forwarded-For"


def apply() -> None:
    """Keep what the client sent."""
    replace(IntegrationRequestHandler, "_set_proxy_headers", _build)


def _build(original: Callable[..., None]) -> Callable[..., None]:
    # Static in LocalStack; a function put into a class is a method.
    def _set_proxy_headers(_self: IntegrationRequestHandler, headers: Any, request: Any) -> None:
        sent = request.headers.getlist(_HEADER)
        original(headers, request)
        headers.set(_HEADER, ", ".join([*sent, headers[_HEADER]]))

    return _set_proxy_headers
