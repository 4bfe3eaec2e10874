"""WebSocket connections: API Gateway calls these when a client connects, speaks and leaves.

The answer to a message is returned as a body, which the route's response sends back to the client: no call of
the management API is needed for it. Addresses may hold initData, so events are never logged.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from chalice.app import Blueprint, WebsocketAPI, WebsocketEvent

from chalicelib import wiring
from chalicelib.entrypoints import wire
from chalicelib.entrypoints.incoming import request_id_of
from chalicelib.errors import ArenaError, InternalError
from chalicelib.observability import correlated, fit_id, logger
from chalicelib.settings import SettingsError

blueprint: Final = Blueprint(__name__)
# Without one, Chalice leaves a Blueprint's WebSocket handlers bare and calls them with two arguments.
blueprint.websocket_api = WebsocketAPI()

_Answer = dict[str, Any]


@blueprint.on_ws_connect()
def connect(event: WebsocketEvent) -> _Answer:
    """Admits a player who signed in by ``?initData=`` or X-Telegram-Init-Data; else refuses the handshake."""
    sent = event.to_dict()
    headers = {name.lower(): value for name, value in (sent.get("headers") or {}).items()}
    query = sent.get("queryStringParameters") or {}

    def admit() -> _Answer:
        arena = wiring.arena()
        with arena.meters.timed("websocket connect"):
            identity = arena.sign_in.identify(
                init_data=headers.get("x-telegram-init-data") or query.get("initData"),
                claimed_id=headers.get("x-telegram-id", ""),
                claimed_username=headers.get("x-telegram-username", ""),
            )
            arena.live.connect(event.connection_id, identity.telegram_id)
        return {"statusCode": 200}

    return _guarded("connect", event, admit, _refuse)


@blueprint.on_ws_message()
def message(event: WebsocketEvent) -> _Answer:
    """Answers one message; a refusal is an answer and leaves the connection open."""

    def answer() -> _Answer:
        arena = wiring.arena()
        with arena.meters.timed("websocket message"):
            return _said(arena.live.message(event.connection_id, event.body))

    return _guarded("message", event, answer, lambda error: _said(_refusal(error)))


@blueprint.on_ws_disconnect()
def disconnect(event: WebsocketEvent) -> _Answer:
    """Forgets the connection. What fails here expires by itself."""

    def forget() -> _Answer:
        arena = wiring.arena()
        with arena.meters.timed("websocket disconnect"):
            arena.live.disconnect(event.connection_id)
        return {"statusCode": 200}

    return _guarded("disconnect", event, forget, _refuse)


def _guarded(
    kind: str, event: WebsocketEvent, work: Callable[[], _Answer], refuse: Callable[[ArenaError], _Answer]
) -> _Answer:
    """Each event by itself has an id: that of a handshake's X-Request-Id, else Lambda's own of the invocation."""
    given = {name.lower(): value for name, value in (event.to_dict().get("headers") or {}).items()}
    own = getattr(event.context, "aws_request_id", None)
    with correlated(fit_id(given.get("x-request-id")) or own or request_id_of({})):
        return _answered(kind, work, refuse)


def _answered(kind: str, work: Callable[[], _Answer], refuse: Callable[[ArenaError], _Answer]) -> _Answer:
    try:
        answer = work()
        code = None
    except ArenaError as error:
        answer, code = refuse(error), error.code
    except SettingsError as error:
        logger().error("settings refused", problems=list(error.problems))
        answer, code = refuse(InternalError("misconfigured", "the service is misconfigured")), "misconfigured"
    except Exception:  # noqa: BLE001 - the last resort: the client gets an answer it can read
        logger().exception("unhandled error", websocket=kind)
        answer, code = refuse(InternalError("internal server error")), "internal server error"
    logger().info("websocket", websocket=kind, status=answer["statusCode"], code=code)
    return answer


def _said(value: Mapping[str, Any]) -> _Answer:
    return {"statusCode": 200, "body": wire.dumps(value)}


def _refuse(error: ArenaError) -> _Answer:
    headers = {"Content-Type": "application/json; charset=utf-8", **error.headers}
    body = {"ok": False, "error": _refusal(error)["error"]}
    return {"statusCode": error.status, "headers": headers, "body": wire.dumps(body)}


def _refusal(error: ArenaError) -> dict[str, Any]:
    from chalicelib.arena.live import refusal

    return refusal(error)
