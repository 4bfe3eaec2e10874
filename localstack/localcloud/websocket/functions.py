"""The deployed WebSocket functions: found by their stacks' outputs, invoked on their alias."""

import json
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.websocket.events import ALIAS, CONNECT, DISCONNECT, INTEGRATION_SECONDS, MESSAGE

OUTPUTS: Final = {
    CONNECT: "WebsocketConnectHandlerName",
    MESSAGE: "WebsocketMessageHandlerName",
    DISCONNECT: "WebsocketDisconnectHandlerName",
}
"""Route → the stack's output that names its function."""

CONCURRENT_MAX: Final = 32


class IntegrationError(Exception):
    """A function could not be called, or failed; the text says how, for the log."""


class Functions(Protocol):
    """Calls a region's function for a route."""

    def invoke(self, region: str, route: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """The function's answer. Blocks; raises ``IntegrationError``."""
        ...


class LambdaFunctions:
    """``Functions`` on Lambda."""

    def __init__(self, endpoint_url: str, stack_name: str) -> None:
        self._endpoint_url = endpoint_url
        self._stack_name = stack_name
        self._clients: dict[tuple[str, str], Any] = {}
        self._names: dict[str, dict[str, str]] = {}
        self._lock = Lock()

    def invoke(self, region: str, route: str, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client("lambda", region).invoke(
                FunctionName=self._name(region, route), Qualifier=ALIAS, Payload=json.dumps(event).encode()
            )
            value = json.loads(answer["Payload"].read() or b"null")
        except (BotoCoreError, ClientError, ValueError) as error:
            with self._lock:
                # A stack deployed anew may have named its functions otherwise.
                self._names.pop(region, None)
            raise IntegrationError(f"{region} {route}: {error}") from error
        if "FunctionError" in answer or not isinstance(value, dict):
            raise IntegrationError(f"{region} {route}: the function failed ({answer.get('FunctionError')})")
        return value

    def _name(self, region: str, route: str) -> str:
        with self._lock:
            names = self._names.get(region)
        if names is None or route not in names:
            stacks = self._client("cloudformation", region).describe_stacks(StackName=self._stack_name)["Stacks"]
            outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
            names = {known: outputs[key] for known, key in OUTPUTS.items() if key in outputs}
            if route not in names:
                raise IntegrationError(f"{region} {route}: stack {self._stack_name} names no function for it")
            with self._lock:
                self._names[region] = names
        return names[route]

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = boto3.Session(
                    region_name=region,
                    aws_access_key_id="test",
                    aws_secret_access_key="test",  # noqa: S106 (no secret)
                ).client(
                    service,
                    endpoint_url=self._endpoint_url,
                    config=Config(
                        connect_timeout=2,
                        read_timeout=INTEGRATION_SECONDS,
                        retries={"total_max_attempts": 1},
                        max_pool_connections=CONCURRENT_MAX,
                    ),
                )
            return self._clients[service, region]
