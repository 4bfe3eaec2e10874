"""What API Gateway answers by itself, in the game's envelope.

The catch-all route answers unknown paths and methods; these cover what never reaches a function:
throttling, oversized or unreadable requests, an integration that fails or takes too long.
"""

import json
from typing import Any, Final

EXTENSION: Final = "x-amazon-apigateway-gateway-responses"
"""In the API's definition rather than as resources of their own: a deployment is a snapshot, and the
transform makes a new one when the definition changes, not when a resource beside it does."""

RETRY_AFTER_SECONDS: Final = 1

# Response type → HTTP status (None keeps API Gateway's), code, message.
_RESPONSES: Final[dict[str, tuple[int | None, str, str]]] = {
    "DEFAULT_4XX": (None, "bad_request", "the request was refused"),
    "DEFAULT_5XX": (None, "internal_error", "internal server error"),
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found", "no such route"),
    "RESOURCE_NOT_FOUND": (404, "not_found", "no such route"),
    "REQUEST_TOO_LARGE": (413, "payload_too_large", "the request body is too large"),
    "THROTTLED": (429, "rate_limited", "too many requests"),
    "QUOTA_EXCEEDED": (429, "rate_limited", "too many requests"),
    "INTEGRATION_FAILURE": (502, "bad_gateway", "the server could not answer"),
    "INTEGRATION_TIMEOUT": (504, "gateway_timeout", "the server did not answer in time"),
}
_RETRYABLE: Final = frozenset({"THROTTLED", "QUOTA_EXCEEDED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"})


def gateway_responses() -> dict[str, Any]:
    """The value of the extension: response type → status, headers and body template."""
    return {kind: _response(kind, *row) for kind, row in _RESPONSES.items()}


def _response(kind: str, status: int | None, code: str, message: str) -> dict[str, Any]:
    headers = {
        "X-Request-Id": "context.requestId",
        # Reflecting is safe here: these bodies say the same to everyone, and no credentials are admitted.
        # The list of allowed origins can't be consulted: API Gateway only copies values.
        "Access-Control-Allow-Origin": "method.request.header.Origin",
        "Vary": "'Origin'",
    }
    if kind in _RETRYABLE:
        headers["Retry-After"] = f"'{RETRY_AFTER_SECONDS}'"
    envelope = {"ok": False, "error": {"code": code, "message": message}, "requestId": "$context.requestId"}
    response: dict[str, Any] = {
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        "responseTemplates": {"application/json": json.dumps(envelope, separators=(",", ":"))},
    }
    if status is not None:
        response["statusCode"] = str(status)
    return response
