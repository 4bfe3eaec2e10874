"""The events and limits of API Gateway's WebSocket APIs, as data.

Limits: docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

import base64
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

STAGE: Final = "api"
ALIAS: Final = "live"

IDLE_SECONDS: Final = 600.0
LIFE_SECONDS: Final = 7200.0
MESSAGE_BYTES_MAX: Final = 128 * 1024
INTEGRATION_SECONDS: Final = 29.0

CONNECT: Final = "$connect"
MESSAGE: Final = "$default"
DISCONNECT: Final = "$disconnect"
ROUTES: Final = (CONNECT, MESSAGE, DISCONNECT)
_EVENT_TYPES: Final = {CONNECT: "CONNECT", MESSAGE: "MESSAGE", DISCONNECT: "DISCONNECT"}


def new_connection_id() -> str:
    """Unguessable, and of the shape AWS's have: URL-unsafe at its end."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()


@dataclass(frozen=True)
class Caller:
    """Who connects, and how, as far as events tell."""

    region: str
    domain_name: str
    source_ip: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    connection_id: str = field(default_factory=new_connection_id)
    connected_at: float = field(default_factory=time.time)
    """Unix seconds."""


def connect_event(caller: Caller) -> dict[str, Any]:
    """What the function of route $connect gets. Only this one holds headers and query."""
    event: dict[str, Any] = {
        "headers": dict(caller.headers),
        "multiValueHeaders": {name: [value] for name, value in caller.headers.items()},
        **_event(caller, CONNECT),
    }
    if caller.query:
        event["queryStringParameters"] = dict(caller.query)
        event["multiValueQueryStringParameters"] = {name: [value] for name, value in caller.query.items()}
    return event


def message_event(caller: Caller, data: str | bytes) -> dict[str, Any]:
    """What the function of route $default gets; binary frames travel as base64."""
    event = _event(caller, MESSAGE)
    event["requestContext"]["messageId"] = new_connection_id()
    event["body"] = data if isinstance(data, str) else base64.b64encode(data).decode()
    event["isBase64Encoded"] = isinstance(data, bytes)
    return event


def disconnect_event(caller: Caller, code: int, reason: str) -> dict[str, Any]:
    """What the function of route $disconnect gets."""
    event = _event(caller, DISCONNECT)
    event["requestContext"].update(disconnectStatusCode=code, disconnectReason=reason)
    return event


def _event(caller: Caller, route: str) -> dict[str, Any]:
    now = time.time()
    request_id = str(uuid.uuid4())
    return {
        "requestContext": {
            "routeKey": route,
            "eventType": _EVENT_TYPES[route],
            "extendedRequestId": request_id,
            "requestId": request_id,
            "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(now * 1000),
            "messageDirection": "IN",
            "stage": STAGE,
            "connectedAt": int(caller.connected_at * 1000),
            "identity": {"sourceIp": caller.source_ip, "userAgent": caller.headers.get("User-Agent", "")},
            "domainName": caller.domain_name,
            "connectionId": caller.connection_id,
            "apiId": f"local-{caller.region}",
        },
        "isBase64Encoded": False,
    }
