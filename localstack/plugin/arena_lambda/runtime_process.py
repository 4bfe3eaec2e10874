"""One operating-system process that runs one function's handler, with its Runtime API."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from arena_lambda.exchange import Exchange
from arena_lambda.runtime_api import RuntimeApiServer

# Long enough for a function's own SIGTERM handler to close its connections, short enough for a scale-down.
TERMINATE_GRACE_SECONDS = 2.0


class RuntimeProcess:
    """A started process; ``on_exit`` is called once, from a thread of its own, after it is gone."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        directory: Path,
        output: int,
        on_exit: Callable[["RuntimeProcess"], None],
    ) -> None:
        self.exchange = Exchange()
        self._on_exit = on_exit
        self._started_at = time.monotonic()
        self._server = RuntimeApiServer(self.exchange)
        self._server.start()
        try:
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env={**environment, "AWS_LAMBDA_RUNTIME_API": self._server.address},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError:
            self._server.close()
            raise
        threading.Thread(target=self._watch, name=f"runtime-{self._process.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """As in subprocess: negative for a signal, None while running."""
        return self._process.returncode

    @property
    def age_seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started_at

    def kill(self) -> None:
        """End the whole group at once; returns when it is gone."""
        self.exchange.close()
        self._signal(signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> None:
        """End it politely (SIGTERM, then SIGKILL); the caller has made sure that nothing runs."""
        self.exchange.close()
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(TERMINATE_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _watch(self) -> None:
        self._process.wait()
        # What the handler started and left behind shares the group.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.exchange.close()
        self._server.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._on_exit(self)
