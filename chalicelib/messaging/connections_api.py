"""Reaching WebSocket connections through API Gateway's management API."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.arena.live_ports import Delivery

THREADS: Final = 16
BUDGET_SECONDS: Final = 3.0
"""One call of ``post`` begins no delivery after so long, so it ends at most ``LAST_DELIVERY_SECONDS`` later."""

CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 1
ATTEMPTS: Final = 2
LAST_DELIVERY_SECONDS: Final = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + 1
"""And a pause of at most a second between attempts."""

Failed = Callable[[str], None]
"""Told the kind of fault, never whom it concerned."""


class ManagementApi:
    """``live_ports.ConnectionGateway``. Each connection names the endpoint that holds it."""

    def __init__(
        self,
        region: str,
        failed: Failed,
        *,
        budget_seconds: float = BUDGET_SECONDS,
        read_seconds: float = READ_SECONDS,
        threads: int = THREADS,
    ) -> None:
        self._region = region
        self._failed = failed
        self._budget_seconds = budget_seconds
        self._read_seconds = read_seconds
        self._threads = threads
        self._clients: dict[str, Any] = {}
        self._lock = Lock()

    def post(self, connections: Sequence[Mapping[str, Any]], text: str) -> dict[str, Delivery]:
        """Sends ``text`` to each; what has not begun within the budget counts as failed."""
        if not connections:
            return {}
        send = partial(self._send, data=text.encode(), deadline=time.monotonic() + self._budget_seconds)
        if len(connections) == 1:
            return {connections[0]["_id"]: send(connections[0])}
        # With the caller's context: what ``failed`` logs has the announcement's id.
        contexts = [copy_context() for _ in connections]
        with ThreadPoolExecutor(min(self._threads, len(connections))) as pool:
            outcomes = list(pool.map(lambda context, one: context.run(send, one), contexts, connections))
        return {connection["_id"]: outcome for connection, outcome in zip(connections, outcomes, strict=True)}

    def close(self, connection: Mapping[str, Any]) -> None:
        self._call("delete_connection", connection)

    def _send(self, connection: Mapping[str, Any], *, data: bytes, deadline: float) -> Delivery:
        if time.monotonic() >= deadline:
            self._failed("out of time")
            return Delivery.FAILED
        return self._call("post_to_connection", connection, Data=data)

    def _call(self, operation: str, connection: Mapping[str, Any], **arguments: Any) -> Delivery:
        try:
            client = self._client(connection["endpoint"])
            getattr(client, operation)(ConnectionId=connection["_id"], **arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if code == "GoneException" or status == 410:
                return Delivery.GONE
            self._failed(code or f"status {status}")
            return Delivery.FAILED
        except BotoCoreError as error:
            self._failed(type(error).__name__)
            return Delivery.FAILED
        return Delivery.DELIVERED

    def _client(self, endpoint: str) -> Any:
        with self._lock:
            if endpoint not in self._clients:
                self._clients[endpoint] = _client(endpoint, self._region, self._read_seconds, self._threads)
            return self._clients[endpoint]


def _client(endpoint: str, region: str, read_seconds: float, threads: int) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=endpoint,
        region_name=region,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_seconds,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            max_pool_connections=threads,
        ),
    )
