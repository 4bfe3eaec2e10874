"""Servers for outage drills: unlike under the supervisor, each may be killed, paused and started again by itself."""

import signal
import time
from collections.abc import Sequence
from types import TracebackType

from localcloud.errors import ServerFailed
from localcloud.server import RunningServer, Server
from localcloud.state import StateDir

_POLL_SECONDS = 0.02


class Drill:
    """Starts ``servers`` on entering and stops what is left of them on leaving.

    It runs inside a supervisor's state directory, so that the guardian stops them should this process be killed.
    """

    def __init__(self, state: StateDir, servers: Sequence[Server]) -> None:
        self._state = state
        self._servers = {server.name: server for server in servers}
        self._running: dict[str, RunningServer] = {}

    def __enter__(self) -> "Drill":
        try:
            self.start(*self._servers)
        except BaseException:
            self._stop_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_all()

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def start(self, *names: str) -> None:
        """Starts the named servers, on the data they left, and waits until each is ready. Raises ServerFailed."""
        self.launch(*names)
        self.wait_ready(*names)

    def launch(self, *names: str) -> None:
        """Starts the named servers without waiting."""
        for name in names:
            self._running[name] = RunningServer(self._servers[name], self._state)

    def wait_ready(self, *names: str) -> None:
        began, pending = time.monotonic(), list(names)
        while pending:
            # All of them each time: members of a set wait for one another.
            pending = [name for name in pending if not self._servers[name].ready()]
            for name in pending:
                late = time.monotonic() - began > self._servers[name].start_seconds
                if late or self._running[name].exit_code() is not None:
                    raise ServerFailed(f"{name} is not ready; its log ends:\n{self._running[name].log_tail()}")
            if pending:
                time.sleep(_POLL_SECONDS)

    def kill(self, *names: str) -> None:
        """Ends them at once, as a lost machine would."""
        for name in names:
            self._signal(name, signal.SIGKILL)
        for name in names:
            self._running.pop(name).stop()

    def pause(self, *names: str) -> None:
        """They keep their connections and answer nothing."""
        for name in names:
            self._signal(name, signal.SIGSTOP)

    def resume(self, *names: str) -> None:
        for name in names:
            self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: int) -> None:
        self._running[name].signal(number)

    def _stop_all(self) -> None:
        for name in self._running:
            # A paused process does not hear SIGTERM.
            self._signal(name, signal.SIGCONT)
        while self._running:
            self._running.popitem()[1].stop()
