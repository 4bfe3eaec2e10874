"""Starts servers in order, watches them, and stops them whatever happens.

Who stops the servers:

- the supervisor itself, on leaving its ``with`` block (Ctrl-C, SIGTERM, a crashed server, an error);
- the guardian, a small process of its own session that wakes when the supervisor's pipe closes, if the
  supervisor was killed;
- the next start on the same state directory, from the pid files, if both were.

A server that ends is never restarted by itself: a development server that crashes should be noticed. A drill says
beforehand whose end is no crash (``excused``), and starts it again when it likes.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from localcloud.errors import AlreadyRunning, LocalCloudError, ServerFailed, StopRequested
from localcloud.processes import ProcessIdentity, read_pid_file, terminate, write_pid_file
from localcloud.server import RunningServer, Server
from localcloud.state import StateDir

SUPERVISOR = "supervisor"
STALE_GRACE_SECONDS = 10.0
_LOCK_SECONDS = 30.0
_POLL_SECONDS = 0.05
_PROGRESS_SECONDS = 5.0

Log = Callable[[str], None]


class Supervisor:
    """Owns a state directory's servers from ``__enter__`` to ``__exit__``.

    Entering raises AlreadyRunning when a live supervisor owns the directory, and stops stale servers of a
    dead one. ``stop_requested`` is asked between steps; once true, waiting ends with StopRequested.
    """

    def __init__(self, state: StateDir, log: Log, stop_requested: Callable[[], bool] = lambda: False) -> None:
        self._state = state
        self._log = log
        self._stop_requested = stop_requested
        self._running: list[RunningServer] = []
        self._lock: IO[str] | None = None
        self._guardian: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Supervisor":
        self._state.create()
        self._lock = acquire(self._state)
        try:
            stop_recorded(self._state, self._log)
            self._state.clear_status()
            own = ProcessIdentity.of(os.getpid())
            if own is not None:
                write_pid_file(self._state.pid_file(SUPERVISOR), own)
            self._guardian = _start_guardian(self._state)
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running:
            # The terminal may be gone; that must not keep the servers running.
            with contextlib.suppress(OSError):
                self._log("stopping " + ", ".join(running.server.name for running in reversed(self._running)))
        while self._running:
            self._running.pop().stop()
        self._state.clear_status()
        self._state.pid_file(SUPERVISOR).unlink(missing_ok=True)
        if self._guardian is not None and self._guardian.stdin is not None:
            self._guardian.stdin.close()
            self._guardian.wait()
        if self._lock is not None:
            self._lock.close()

    def start(self, servers: Sequence[Server]) -> None:
        """Launches the servers in order and returns when all are ready.

        They come up side by side. Raises ServerFailed, with the end of its log, for the first that ends or
        exceeds its ``start_seconds``.
        """
        began = time.monotonic()
        pending: list[RunningServer] = []
        for server in servers:
            running = self._launch(server)
            self._running.append(running)
            pending.append(running)
        next_progress = began + _PROGRESS_SECONDS
        while pending:
            self.check()
            for running in list(pending):
                waited = time.monotonic() - began
                if running.server.ready():
                    pending.remove(running)
                    self._log(f"{running.server.name} is ready (pid {running.pid}, {waited:.1f} s)")
                elif waited > running.server.start_seconds:
                    raise _failure(running, f"was not ready after {running.server.start_seconds:.0f} s")
            if pending and time.monotonic() >= next_progress:
                names = ", ".join(running.server.name for running in pending)
                self._log(f"waiting for {names} ({time.monotonic() - began:.0f} s)")
                next_progress += _PROGRESS_SECONDS
            if pending:
                time.sleep(_POLL_SECONDS)

    def _launch(self, server: Server) -> RunningServer:
        try:
            return RunningServer(server, self._state)
        except OSError as error:
            raise ServerFailed(
                f"{server.name} could not be started: {server.command[0]}: {error.strerror}", server.hint
            ) from error

    def check(self) -> None:
        """Raises ServerFailed for the first server that has ended, StopRequested when asked to stop."""
        if self._stop_requested():
            raise StopRequested
        for running in self._running:
            code = None if running.may_end else running.exit_code()
            if code is not None:
                how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
                raise _failure(running, how)

    def running(self, name: str) -> RunningServer:
        """The server called ``name``. Raises ValueError when there is none."""
        return self._running[self._place(name)]

    def excused(self, name: str) -> RunningServer:
        """The server called ``name``, whose end raises nothing until ``start_again``. Raises ValueError."""
        running = self.running(name)
        running.may_end = True
        return running

    def start_again(self, name: str) -> RunningServer:
        """Ends the server called ``name``, if it still runs, and launches it without waiting. Raises ValueError."""
        place = self._place(name)
        self._running[place].stop()
        self._running[place] = self._launch(self._running[place].server)
        return self._running[place]

    def _place(self, name: str) -> int:
        return [running.server.name for running in self._running].index(name)

    def watch(self) -> None:
        """Never returns: raises ServerFailed when a server ends, StopRequested when asked to stop."""
        while True:
            self.check()
            time.sleep(4 * _POLL_SECONDS)


def _failure(running: RunningServer, how: str) -> ServerFailed:
    hint = running.server.hint or f"its whole log is {running.log_file}"
    tail = running.log_tail() or "(empty)"
    return ServerFailed(f"{running.server.name} {how}; the end of its log:\n{tail}", hint)


def live_supervisor(state: StateDir) -> ProcessIdentity | None:
    """The supervisor that owns the state directory now, if one does."""
    recorded = read_pid_file(state.pid_file(SUPERVISOR))
    return recorded if recorded is not None and recorded.is_alive() else None


def stop_recorded(state: StateDir, log: Log) -> None:
    """Ends every process recorded in the pid files that still lives, and removes the files.

    Call it only while holding the directory's lock: it is for what a dead supervisor left behind.
    """
    for pid_file in sorted(state.run.glob("*.pid")):
        identity = read_pid_file(pid_file)
        if identity is not None and identity.pid != os.getpid() and identity.is_alive():
            log(f"stopping {pid_file.stem} of an earlier run (pid {identity.pid})")
            terminate(identity, STALE_GRACE_SECONDS)
        pid_file.unlink(missing_ok=True)


def try_lock(state: StateDir) -> IO[str] | None:
    """The directory's lock, held until it is closed or its process ends; None when somebody has it."""
    lock = state.lock_file.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


def acquire(state: StateDir) -> IO[str]:
    """The lock. Waits while it is only being given up or cleaned up under; raises AlreadyRunning beside a live owner.

    The kernel releases a killed supervisor's lock a moment after it closes its pipes, so a first refusal says
    little; a guardian may then hold it while it stops what was left.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        lock = try_lock(state)
        if lock is not None:
            return lock
        owner = live_supervisor(state)
        if owner is not None:
            raise AlreadyRunning(
                f"the local cloud of {state.root} is already running (pid {owner.pid})",
                "stop it with ./arena down, or give this one its own --state-dir and ports",
            )
        if time.monotonic() > deadline:
            raise LocalCloudError(
                f"the lock {state.lock_file} is held, although no supervisor is recorded",
                "another command may be cleaning up; try again in a moment",
            )
        time.sleep(_POLL_SECONDS)


def _start_guardian(state: StateDir) -> subprocess.Popen[bytes]:
    package_root = str(Path(__file__).resolve().parent.parent)
    return subprocess.Popen(
        [sys.executable, "-m", "localcloud.guardian", str(state.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=package_root,
        start_new_session=True,
    )
