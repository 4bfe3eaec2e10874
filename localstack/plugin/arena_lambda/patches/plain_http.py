"""Fault: each start writes anew the certificate that all LocalStacks of a machine share, though nobody speaks TLS with
ours; one that starts in the same moment reads half of it, and ends.

Now: there is no certificate. It speaks plain HTTP, at loopback.
"""

from collections.abc import Callable

from localstack.runtime.runtime import LocalstackRuntime

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Listen without one."""
    replace(LocalstackRuntime, "_init_gateway_server", _build)


def _build(_: Callable[..., None]) -> Callable[..., None]:
    def _init_gateway_server(self: LocalstackRuntime) -> None:
        self.components.runtime_server.register(self.components.gateway, self.config.GATEWAY_LISTEN)

    return _init_gateway_server
