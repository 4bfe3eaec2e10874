"""Fault: CloudFormation looks at a resource in the making five times without pause, then once a second; and a function
that is created synchronously is looked at each half second, though it takes a few milliseconds.

Now: it looks ten times a second. (Functions are created asynchronously, as in AWS: see the local cloud's settings.)
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from localstack.services.cloudformation.resource_provider import ResourceProviderExecutor

from arena_lambda.patches.replacing import replace

PAUSE_SECONDS = 0.1


def apply() -> None:
    """Shorten the pause; how long a resource may take in all stays as it was."""
    replace(ResourceProviderExecutor, "deploy_loop", _build)


def _build(original: Callable[..., Any]) -> Callable[..., Any]:
    def deploy_loop(self: ResourceProviderExecutor, *arguments: Any, **named: Any) -> Any:
        return partial(original, self, *arguments)(**{"sleep_time": PAUSE_SECONDS, **named})

    return deploy_loop
