"""Fault: of an IPv4 address to listen at, LocalStack's server takes the port alone: it is open to the whole network.

Now: it listens at the address, too.
"""

import types
from collections.abc import Callable
from functools import partial
from typing import Any

from localstack.runtime.server import twisted as server
from twisted.internet import endpoints

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Give each endpoint the address it is for."""
    replace(server.TwistedRuntimeServer, "register", _build)


def _build(original: Callable[..., None]) -> Callable[..., None]:
    def register(self: Any, gateway: Any, listen: list[Any], ssl_creds: tuple[str, str] | None = None) -> None:
        for one in listen:
            server.endpoints = types.SimpleNamespace(
                TCP4ServerEndpoint=partial(endpoints.TCP4ServerEndpoint, interface=one.host),
                TCP6ServerEndpoint=endpoints.TCP6ServerEndpoint,
            )
            try:
                original(self, gateway, [one], ssl_creds)
            finally:
                server.endpoints = endpoints

    return register
