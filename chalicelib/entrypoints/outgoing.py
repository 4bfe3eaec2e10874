"""Writing an answer: the envelope, and the headers every answer carries."""

from collections.abc import Mapping
from typing import Final

from chalice.app import Response

from chalicelib.arena.jstext import well_formed
from chalicelib.entrypoints import wire
from chalicelib.entrypoints.routing import Reply
from chalicelib.errors import ArenaError

JSON_TYPE: Final = "application/json; charset=utf-8"


def accepted(reply: Reply, cors: Mapping[str, str], request_id: str) -> Response:
    """What a handler gave, in the envelope; text goes out as it is."""
    headers = {**_common_headers(cors, request_id), **reply.headers}
    if isinstance(reply.body, str):
        return respond(reply.body, reply.status, headers)
    text = wire.dumps(wire.success(reply.body, request_id))
    return respond(text, reply.status, {"Content-Type": JSON_TYPE, **headers})


def refused(error: ArenaError, cors: Mapping[str, str], request_id: str) -> Response:
    """A refusal in the envelope, with the headers it asks for. What it repeats of the request may be no Unicode."""
    headers = {"Content-Type": JSON_TYPE, **_common_headers(cors, request_id), **error.headers}
    return respond(well_formed(wire.dumps(wire.failure(error, request_id))), error.status, headers)


def _common_headers(cors: Mapping[str, str], request_id: str) -> dict[str, str]:
    return {"X-Request-Id": request_id, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **cors}


def respond(text: str, status: int, headers: Mapping[str, str]) -> Response:
    """``text`` as it is."""
    return Response(body=text, status_code=status, headers=dict(headers))
