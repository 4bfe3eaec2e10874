"""Fault: each version of a function has a thread that assumes the function's role and makes a client to write its log
with, when the version is created. Three regions of the arena are 84 versions, and most never run.

Now: the thread starts when there is something to write.
"""

import threading
from collections.abc import Callable
from typing import Any

from localstack.services.lambda_.invocation.logs import LogHandler

from arena_lambda.patches.replacing import replace

_starting = threading.Lock()


def apply() -> None:
    """Start with the first log instead of with the version."""
    start = LogHandler.start_subscriber
    replace(LogHandler, "start_subscriber", _build_start)
    replace(LogHandler, "add_logs", lambda original: _build_add(original, start))


def _build_start(_: Callable[[LogHandler], None]) -> Callable[[LogHandler], None]:
    def start_subscriber(_handler: LogHandler) -> None:
        """Nothing to write yet."""

    return start_subscriber


def _build_add(original: Callable[..., None], start: Callable[[LogHandler], None]) -> Callable[..., None]:
    def add_logs(handler: LogHandler, log_item: Any) -> None:
        with _starting:
            if handler._thread is None and not handler._shutdown_event.is_set():
                start(handler)
        original(handler, log_item)

    return add_logs
