"""``./arena up --detach``: runs ``up`` in the background and returns when it is ready."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import click

from infra.cli.local import CHECKOUT
from localcloud.errors import AlreadyRunning, LocalCloudError
from localcloud.processes import ProcessIdentity
from localcloud.state import StateDir
from localcloud.supervisor import SUPERVISOR, live_supervisor

_POLL_SECONDS = 0.1
_STOP_SECONDS = 60.0


def start_detached(state: StateDir, arguments: Sequence[str]) -> None:
    """Starts the supervisor in a session of its own and shows its output until it is ready.

    Raises AlreadyRunning, or LocalCloudError when it ends before it is ready; Ctrl-C until then stops it.
    """
    state.create()
    owner = live_supervisor(state)
    if owner is not None:
        raise AlreadyRunning(f"the local cloud of {state.root} is already running (pid {owner.pid})", "./arena status")
    log_file = state.log(SUPERVISOR)
    command = [sys.executable, str(CHECKOUT / "arena"), "up", "--into-log", "--state-dir", str(state.root), *arguments]
    with log_file.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        with log_file.open(encoding="utf-8", errors="replace") as log:
            while child.poll() is None and not _is_ready(state, child.pid):
                click.echo(log.read(), nl=False)
                time.sleep(_POLL_SECONDS)
            click.echo(log.read(), nl=False)
    except KeyboardInterrupt:
        identity = ProcessIdentity.of(child.pid)
        if identity is not None:
            identity.signal(signal.SIGTERM)
            child.wait(_STOP_SECONDS)
        raise
    if child.returncode is not None:
        raise LocalCloudError("the local cloud did not come up; what it said is above", f"its log is {log_file}")


def _is_ready(state: StateDir, pid: int) -> bool:
    owner = live_supervisor(state)
    return owner is not None and owner.pid == pid and state.read_status() is not None
