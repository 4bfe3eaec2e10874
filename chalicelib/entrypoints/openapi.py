"""The OpenAPI 3.1 document, built from what the routes declare. Imported only to answer for it.

Requests are described by the same fields that validate them, answers by the named shapes of ``schemas``,
refusals by each route's own codes and those every route of its kind has. Equal declarations give an equal
document, byte for byte.
"""

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from chalicelib.arena.rate_limits import UNLIMITED
from chalicelib.entrypoints.api_description import (
    INFO,
    RATE_HEADERS,
    SECURITY_SCHEMES,
    SERVERS,
    TAGS,
    common_refusals,
)
from chalicelib.entrypoints.routing import Answer, Route
from chalicelib.entrypoints.schemas import all_shapes
from chalicelib.entrypoints.schemas.common import Schema, record, ref
from chalicelib.entrypoints.validation import Closed, Explained, Field, ObjectIdText

OPENAPI_VERSION: Final = "3.1.0"
JSON: Final = "application/json"

_PATH_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_DOCUMENT_IDS: Final = ("id", "brokerId", "guildId")
_REFERENCE: Final = re.compile(r'"#/components/schemas/(\w+)"')
_REQUEST_ID: Final = "X-Request-Id"
_RETRY_AFTER: Final = "Retry-After"
_TOO_MANY: Final = 429
_RETRIED: Final = (_TOO_MANY, 503)


class UndescribedRoute(Exception):
    """A route's declaration is not enough for the document; the message names the route."""


def described(routes: Iterable[Route]) -> list[Route]:
    """The routes the document is about: all but the catch-all that refuses unknown paths."""
    return [route for route in routes if route.path != "/" and not route.path.endswith("+}")]


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The document of ``routes``. Raises UndescribedRoute."""
    shapes = {name: _completed(shape) for name, shape in all_shapes().items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in sorted(described(routes), key=lambda route: (route.path, route.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shapes)
    used = {tag for path in paths.values() for operation in path.values() for tag in operation["tags"]}
    return {
        "openapi": OPENAPI_VERSION,
        "info": INFO,
        "servers": SERVERS,
        "tags": [{"name": name, "description": TAGS[name]} for name in TAGS if name in used],
        "paths": paths,
        "components": {
            "schemas": shapes,
            "parameters": {
                "RequestId": {
                    "name": _REQUEST_ID,
                    "in": "header",
                    "description": "Echoed in the answer if it is 1 to 200 printable ASCII characters; else a fresh "
                    "UUID is.",
                    "schema": {"type": "string"},
                }
            },
            "headers": {
                "RequestId": {"description": "The request's id, for support and logs.", "schema": {"type": "string"}},
                "RetryAfter": {
                    "description": "Seconds after which trying again is sensible.",
                    "schema": {"type": "integer", "minimum": 0},
                },
                **{_component(name): header for name, header in RATE_HEADERS.items()},
            },
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def unused_shapes(built: Mapping[str, Any]) -> set[str]:
    """Names of the document's shapes that no operation reaches, directly or through other shapes."""
    shapes = built["components"]["schemas"]
    reached: set[str] = set()
    waiting = _references(built["paths"])
    while waiting:
        reached |= waiting
        waiting = {name for shape in waiting for name in _references(shapes[shape])} - reached
    return set(shapes) - reached


def _references(part: Any) -> set[str]:
    return set(_REFERENCE.findall(json.dumps(part)))


def _operation(route: Route, shapes: Mapping[str, Any]) -> dict[str, Any]:
    if not route.summary or not route.answers:
        raise UndescribedRoute(f"{route.method} {route.path} needs a summary and answers")
    operation: dict[str, Any] = {
        "operationId": _camel_case(route.handler.__name__),
        "tags": [_tag(route)],
        "summary": route.summary,
    }
    if text := inspect.getdoc(route.handler):
        operation["description"] = text
    operation["parameters"] = [
        {"$ref": "#/components/parameters/RequestId"},
        *(_path_parameter(name) for name in _PATH_PARAMETER.findall(route.path)),
        *(_query_parameter(name, field) for name, field in route.query.items()),
    ]
    if route.body:
        operation["requestBody"] = _request_body(route.body)
    if route.authenticated:
        operation["security"] = [{"telegramInitData": []}]
    elif route.operator:
        operation["security"] = [{"operatorToken": []}]
    operation["responses"] = _responses(route, shapes)
    return operation


def _path_parameter(name: str) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    schema = ObjectIdText(required=True).schema(in_body=False) if name in _DOCUMENT_IDS else text
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameter(name: str, field: Field) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": _needed(field), "schema": field.schema(in_body=False)}


def _request_body(fields: Mapping[str, Field]) -> dict[str, Any]:
    needed = [name for name, field in fields.items() if _needed(field)]
    schema: Schema = {
        "type": "object",
        "properties": {name: field.schema(in_body=True) for name, field in fields.items()},
        **({"required": needed} if needed else {}),
        **({"additionalProperties": False} if isinstance(fields, Closed) else {}),
    }
    return {"required": bool(needed), "content": {JSON: {"schema": schema}}}


def _needed(field: Field) -> bool:
    return field.required or (isinstance(field, Explained) and field.needed)


def _responses(route: Route, shapes: Mapping[str, Any]) -> dict[str, Any]:
    refusals: dict[int, list[str]] = {}
    for source in (route.refusals, common_refusals(route)):
        for status, codes in source.items():
            known = refusals.setdefault(status, [])
            known += [code for code in codes if code not in known]
    statuses = sorted({*refusals, *(answer.status for answer in route.answers)})
    return {str(status): _response(route, status, refusals.get(status, []), shapes) for status in statuses}


def _response(route: Route, status: int, codes: list[str], shapes: Mapping[str, Any]) -> dict[str, Any]:
    answers = [answer for answer in route.answers if answer.status == status]
    headers = {_REQUEST_ID: {"$ref": "#/components/headers/RequestId"}}
    if status in _RETRIED:
        headers[_RETRY_AFTER] = {"$ref": "#/components/headers/RetryAfter"}
    if route.rate_class != UNLIMITED and (answers or status == _TOO_MANY):
        headers |= {name: {"$ref": f"#/components/headers/{_component(name)}"} for name in RATE_HEADERS}
    content: dict[str, list[Schema]] = {}
    for answer in answers:
        if answer.shape is not None:
            content.setdefault(answer.media_type or JSON, []).append(_body(answer, route, shapes))
    if codes:
        content.setdefault(JSON, []).append(_refusal(codes))
    described: dict[str, Any] = {
        "description": "; ".join([*(answer.shape or "nothing new" for answer in answers), *codes]),
        "headers": headers,
    }
    if content:
        described["content"] = {
            media_type: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
            for media_type, schemas in content.items()
        }
    return described


def _body(answer: Answer, route: Route, shapes: Mapping[str, Any]) -> Schema:
    shape = shapes.get(answer.shape or "")
    if shape is None or answer.shape is None:
        raise UndescribedRoute(f"{route.method} {route.path} answers with the unknown shape {answer.shape}")
    if answer.media_type is not None:
        return ref(answer.shape)
    if "ok" not in shape.get("properties", {}):
        return record({"ok": {"const": True}, "data": ref(answer.shape), "requestId": {"type": "string"}})
    return ref(answer.shape)


def _completed(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    """A shape as it is sent: the envelope adds the request's id to a whole body without one."""
    properties = shape.get("properties", {})
    if "ok" not in properties or "requestId" in properties:
        return shape
    request_id = {"type": "string"}
    return {
        **shape,
        "properties": {**properties, "requestId": request_id},
        "required": [*shape["required"], "requestId"],
    }


def _refusal(codes: list[str]) -> Schema:
    error = {"type": "object", "properties": {"code": {"enum": codes}}}
    return {"allOf": [ref("Refusal"), {"type": "object", "properties": {"error": error}}]}


def _tag(route: Route) -> str:
    parts = route.path.split("/")
    tag = parts[2] if parts[1] == "api" and len(parts) > 2 else "operations"
    if tag not in TAGS:
        raise UndescribedRoute(f"{route.method} {route.path}: no tag {tag}")
    return tag


def _component(header: str) -> str:
    return header.removeprefix("X-").replace("-", "")


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.title() for part in others)
