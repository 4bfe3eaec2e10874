"""One server process: how it is run, when it is ready, and what its log says when it is not."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.processes import ProcessIdentity, terminate, write_pid_file
from localcloud.state import StateDir

LOG_TAIL_LINES = 15


def named(name: str, of: str) -> str:
    """The name of one of several servers of a kind; ``of`` is empty where there is one."""
    return f"{name}-{of}" if of else name


@dataclass(frozen=True)
class Server:
    """How to run one server.

    ``ready`` answers whether it serves; it is polled, must not raise and should answer within a second.
    ``environment`` None inherits ours. Seconds are wall-clock bounds; that of a start is for a machine that is busy
    with much else, since one that ends instead of starting is noticed at once.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] | None = None
    directory: Path | None = None
    start_seconds: float = 180.0
    stop_seconds: float = 15.0
    hint: str = field(default="")


class RunningServer:
    """A server that was launched; it is the leader of its own process group and logs to a file."""

    def __init__(self, server: Server, state: StateDir) -> None:
        self.server = server
        self.log_file = state.log(server.name)
        self._pid_file = state.pid_file(server.name)
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_suffix(".previous.log"))
        with self.log_file.open("wb") as log:
            # Its own session: a Ctrl-C at the terminal reaches the supervisor alone, which then stops in order.
            self._process = subprocess.Popen(
                list(server.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=server.directory,
                env=None if server.environment is None else dict(server.environment),
                start_new_session=True,
                # Ours are ignored: a write to a full disk, or to nobody, is an error then, not the server's end.
                restore_signals=False,
            )
        identity = ProcessIdentity.of(self._process.pid)
        if identity is not None:
            write_pid_file(self._pid_file, identity)
        self._identity = identity
        self.may_end = False
        """Whether its end is expected: a drill's, not a crash."""

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.poll()

    def signal(self, number: int) -> None:
        """Sends a signal to it and its group; nothing when it has ended."""
        if self._identity is not None:
            self._identity.signal(number)

    def stop(self) -> None:
        """Ends it and what it started, reaps it and removes its pid file."""
        if self._identity is not None:
            terminate(self._identity, self.server.stop_seconds)
        self._process.wait()
        self._pid_file.unlink(missing_ok=True)

    def log_tail(self) -> str:
        return tail(self.log_file)


def tail(log_file: Path, lines: int = LOG_TAIL_LINES, window_bytes: int = 16_384) -> str:
    """The last lines of a log, reading no more than its last ``window_bytes``."""
    try:
        with log_file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - window_bytes))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
