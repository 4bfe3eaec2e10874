"""Calls the Chalice app as API Gateway would: proxy events in, decoded answers out."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from chalice.app import Chalice


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def error(self) -> Any:
        return self.json["error"]


def call(
    app: Chalice,
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    address: str = "127.0.0.1",
) -> Answer:
    """Sends ``body`` (bytes as they are, text as UTF-8, anything else as JSON) to ``app``, from ``address``."""
    answer = app(proxy_event(app, method, url, body, headers, address), None)
    return Answer(
        answer["statusCode"], {key.lower(): value for key, value in answer["headers"].items()}, answer["body"]
    )


def proxy_event(
    app: Chalice,
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    address: str = "127.0.0.1",
) -> dict[str, Any]:
    """What API Gateway makes of a request to ``app``; arguments as ``call`` has them."""
    parts = urlsplit(url)
    resource, path_values = _resource(app, parts.path)
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    query = parse_qsl(parts.query, keep_blank_values=True)
    return {
        "resource": resource,
        "path": parts.path,
        "httpMethod": method,
        "headers": {"content-type": "application/json", **(headers or {})},
        "multiValueHeaders": {},
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": {key: [v for k, v in query if k == key] for key, _ in query} or None,
        "pathParameters": path_values or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": parts.path,
            "identity": {"sourceIp": address},
        },
        "body": None if body is None else base64.b64encode(raw).decode(),
        "isBase64Encoded": body is not None,
    }


def _resource(app: Chalice, path: str) -> tuple[str, dict[str, str]]:
    """The most specific pattern matching ``path``, as the gateway picks it."""
    if path in app.routes:
        return path, {}
    for pattern in app.routes:
        if "+" not in pattern and "{" in pattern:
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), path)
            if match:
                return pattern, {name: unquote(value) for name, value in match.groupdict().items()}
    return "/{proxy+}", {"proxy": path.lstrip("/")}
