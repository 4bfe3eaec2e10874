"""Which process is which, and how one is ended.

A pid alone is no name: the kernel hands it out again. A process is known here by its pid together with
the moment it started, so a recorded process that has gone is never mistaken for whoever has its pid now.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from localcloud.state import read_json, write_atomically

KILL_SECONDS = 5.0
"""How long a process may take to disappear after SIGKILL."""
_POLL_SECONDS = 0.03
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _start_mark(pid: int) -> str | None:
    """Text that is the same for the whole life of a process and differs for the next user of its pid.

    None when there is no such process, or only its zombie. On Linux it is the boot and the start time in
    clock ticks: unlike a date, it does not move when the clock is set.
    """
    stat = Path(f"/proc/{pid}/stat")
    try:
        if _BOOT_ID.exists():
            # The command name, in parentheses, may itself hold spaces and parentheses.
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            state, started_ticks = fields[0], fields[19]
            return None if state in "ZX" else f"{_BOOT_ID.read_text(encoding='ascii').strip()}:{started_ticks}"
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except (OSError, IndexError, psutil.Error):
        return None


@dataclass(frozen=True)
class ProcessIdentity:
    """One process, told apart from later users of the same pid by ``started``."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """The process that has ``pid`` now, if there is one."""
        started = _start_mark(pid)
        return None if started is None else cls(pid, started)

    def is_alive(self) -> bool:
        return _start_mark(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Sends a signal to the process and, when it leads a group, to the group; nothing when it is gone."""
        if not self.is_alive():
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)


def write_pid_file(path: Path, identity: ProcessIdentity) -> None:
    write_atomically(path, json.dumps({"pid": identity.pid, "started": identity.started}) + "\n")


def read_pid_file(path: Path) -> ProcessIdentity | None:
    """The process recorded in ``path``, alive or not; None when the file is missing or illegible."""
    record = read_json(path) or {}
    pid, started = record.get("pid"), record.get("started")
    if isinstance(pid, int) and isinstance(started, str):
        return ProcessIdentity(pid, started)
    return None


def descendants(identity: ProcessIdentity) -> list[ProcessIdentity]:
    """Every process below ``identity`` now: what it started and may leave behind."""
    try:
        children = psutil.Process(identity.pid).children(recursive=True)
    except psutil.Error:
        return []
    found = (ProcessIdentity.of(child.pid) for child in children)
    return [child for child in found if child is not None]


def wait_until_gone(identities: Iterable[ProcessIdentity], seconds: float) -> list[ProcessIdentity]:
    """Waits up to ``seconds`` for all to end; returns those still alive."""
    deadline = time.monotonic() + seconds
    alive = [identity for identity in identities if identity.is_alive()]
    while alive and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        alive = [identity for identity in alive if identity.is_alive()]
    return alive


def terminate(identity: ProcessIdentity, grace_seconds: float) -> None:
    """Ends a process and everything below it: SIGTERM, then after ``grace_seconds`` SIGKILL."""
    below = descendants(identity)
    identity.signal(signal.SIGTERM)
    if wait_until_gone([identity], grace_seconds):
        below += descendants(identity)
        identity.signal(signal.SIGKILL)
    for child in below:
        child.signal(signal.SIGKILL)
    wait_until_gone([identity, *below], KILL_SECONDS)
