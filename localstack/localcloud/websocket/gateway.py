"""The gateway: holds WebSocket connections, calls functions for what happens on them, serves the management API.

Addresses are never logged: they may hold a sign-in.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from localcloud.websocket.events import (
    CONNECT,
    DISCONNECT,
    IDLE_SECONDS,
    LIFE_SECONDS,
    MESSAGE,
    MESSAGE_BYTES_MAX,
    Caller,
    connect_event,
    disconnect_event,
    message_event,
)
from localcloud.websocket.functions import CONCURRENT_MAX, Functions, IntegrationError

CONNECTIONS_MAX: Final = 2000
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Seconds; AWS's unless a test wants them shorter."""

    idle: float = IDLE_SECONDS
    life: float = LIFE_SECONDS


@dataclass
class _Held:
    caller: Caller
    socket: web.WebSocketResponse
    began: float = field(default_factory=time.monotonic)
    active: float = field(default_factory=time.monotonic)

    def remaining(self, limits: Limits) -> float:
        """Seconds until the connection is idle or old enough to be closed."""
        now = time.monotonic()
        return min(self.active + limits.idle, self.began + limits.life) - now


class Gateway:
    """One gateway; ``application`` is to be run by aiohttp."""

    def __init__(self, functions: Functions, regions: Sequence[str], limits: Limits | None = None) -> None:
        self._functions = functions
        self._regions = frozenset(regions)
        self._limits = limits or Limits()
        self._held: dict[tuple[str, str], _Held] = {}
        self._pool = ThreadPoolExecutor(CONCURRENT_MAX, thread_name_prefix="invoke")

    def application(self) -> web.Application:
        app = web.Application(client_max_size=2 * MESSAGE_BYTES_MAX)
        app.router.add_get("/_health", self._health)
        app.router.add_get("/{region}", self._connect)
        app.router.add_get("/{region}/", self._connect)
        connection = "/{region}/@connections/{connection_id}"
        app.router.add_post(connection, self._post)
        app.router.add_get(connection, self._describe)
        app.router.add_delete(connection, self._delete)
        app.cleanup_ctx.append(self._lifetime)
        app.on_shutdown.append(self._close_all)
        return app

    async def _lifetime(self, _app: web.Application) -> AsyncIterator[None]:
        yield
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _close_all(self, _app: web.Application) -> None:
        await asyncio.gather(
            *(held.socket.close(code=WSCloseCode.GOING_AWAY) for held in list(self._held.values())),
            return_exceptions=True,
        )

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"connections": len(self._held)})

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        region = request.match_info["region"]
        if region not in self._regions:
            return _refusal(HTTPStatus.FORBIDDEN, "Forbidden")
        socket = web.WebSocketResponse(max_msg_size=MESSAGE_BYTES_MAX, timeout=2.0)
        if not socket.can_prepare(request):
            return _refusal(HTTPStatus.UPGRADE_REQUIRED, "Upgrade Required")
        if len(self._held) >= CONNECTIONS_MAX:
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests")
        caller = Caller(region, request.host, request.remote or "", dict(request.headers), _last_values(request))
        try:
            answer = await self._invoke(region, CONNECT, connect_event(caller))
        except IntegrationError:
            return _refusal(HTTPStatus.BAD_GATEWAY, "Internal server error")
        status = int(answer.get("statusCode", HTTPStatus.BAD_GATEWAY))
        if not 200 <= status < 300:
            return web.Response(status=status, text=str(answer.get("body", "")), headers=_headers(answer))
        await socket.prepare(request)
        held = self._held[region, caller.connection_id] = _Held(caller, socket)
        code, reason = WSCloseCode.ABNORMAL_CLOSURE.value, ""
        try:
            code, reason = await self._converse(held)
        finally:
            self._held.pop((region, caller.connection_id), None)
            with contextlib.suppress(IntegrationError):
                await self._invoke(region, DISCONNECT, disconnect_event(caller, code, reason))
        return socket

    async def _converse(self, held: _Held) -> tuple[int, str]:
        """Until it ends: the close code and reason."""
        while (seconds := held.remaining(self._limits)) > 0:
            try:
                received = await held.socket.receive(timeout=seconds)
            except TimeoutError:
                # What was sent to the client meanwhile counts as activity too: look again.
                continue
            if received.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return held.socket.close_code or WSCloseCode.ABNORMAL_CLOSURE.value, ""
            held.active = time.monotonic()
            reply = await self._reply(held, received.data)
            if reply is not None and not held.socket.closed:
                with contextlib.suppress(ConnectionError):
                    await held.socket.send_str(reply)
        await held.socket.close(code=WSCloseCode.GOING_AWAY, message=b"Going away")
        return WSCloseCode.GOING_AWAY.value, "Going away"

    async def _reply(self, held: _Held, data: str | bytes) -> str | None:
        event = message_event(held.caller, data)
        try:
            answer = await self._invoke(held.caller.region, MESSAGE, event)
        except IntegrationError:
            failed = {"message": "Internal server error", "connectionId": held.caller.connection_id}
            return json.dumps({**failed, "requestId": event["requestContext"]["requestId"]})
        body = answer.get("body")
        return None if body is None else str(body)

    async def _invoke(self, region: str, route: str, event: Mapping[str, Any]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._pool, self._functions.invoke, region, route, event)
        except IntegrationError as error:
            _log.warning("%s", error)
            raise
        _log.info("%s %s answered %s", region, route, answer.get("statusCode"))
        return answer

    def _find(self, request: web.Request) -> _Held | None:
        held = self._held.get((request.match_info["region"], request.match_info["connection_id"]))
        return None if held is None or held.socket.closed else held

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > MESSAGE_BYTES_MAX:
            return _exception(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeException")
        held = self._find(request)
        if held is None:
            return _exception(HTTPStatus.GONE, "GoneException")
        try:
            await held.socket.send_str(body.decode(errors="replace"))
        except ConnectionError:
            return _exception(HTTPStatus.GONE, "GoneException")
        held.active = time.monotonic()
        return web.Response()

    async def _describe(self, request: web.Request) -> web.Response:
        held = self._find(request)
        if held is None:
            return _exception(HTTPStatus.GONE, "GoneException")
        idle = time.monotonic() - held.active
        user_agent = held.caller.headers.get("User-Agent", "")
        return web.json_response(
            {
                "connectedAt": _iso(held.caller.connected_at),
                "identity": {"sourceIp": held.caller.source_ip, "userAgent": user_agent},
                "lastActiveAt": _iso(time.time() - idle),
            }
        )

    async def _delete(self, request: web.Request) -> web.Response:
        held = self._find(request)
        if held is None:
            return _exception(HTTPStatus.GONE, "GoneException")
        # Not awaited to its end: that waits for the client, which AWS doesn't either.
        closing = asyncio.create_task(held.socket.close(code=WSCloseCode.OK, message=b"Connection Closed Normally"))
        closing.add_done_callback(lambda _: None)
        return web.Response(status=HTTPStatus.NO_CONTENT)


def _headers(answer: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in (answer.get("headers") or {}).items()}


def _refusal(status: HTTPStatus, text: str) -> web.Response:
    return web.json_response({"message": text}, status=status)


def _exception(status: HTTPStatus, code: str) -> web.Response:
    return web.json_response({"message": code}, status=status, headers={"x-amzn-ErrorType": code})


def _iso(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _last_values(request: web.Request) -> dict[str, str]:
    """The query, of repeated names the last, as API Gateway gives it."""
    return {name: value for name, value in request.query.items()}  # noqa: C416 (dict() would take the first)
