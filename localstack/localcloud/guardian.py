"""Stops the servers of a supervisor that was killed: ``python -m localcloud.guardian STATE_DIR``.

Its standard input is a pipe only the supervisor holds, so it ends exactly when the supervisor does. After
an orderly stop no pid file is left and there is nothing to do.
"""

import sys
from pathlib import Path

from localcloud.errors import LocalCloudError
from localcloud.processes import read_pid_file, wait_until_gone
from localcloud.state import StateDir
from localcloud.supervisor import SUPERVISOR, acquire, stop_recorded

ENDING_SECONDS = 30.0


def main(state: StateDir) -> None:
    """Waits for the supervisor's end, then stops what it left."""
    supervisor = read_pid_file(state.pid_file(SUPERVISOR))
    sys.stdin.buffer.read()
    if not any(state.run.glob("*.pid")):
        return
    if supervisor is not None:
        # It closes its pipes while it still ends, and would be taken for a live owner of the lock.
        wait_until_gone([supervisor], ENDING_SECONDS)
    try:
        lock = acquire(state)
    except LocalCloudError:
        # A new supervisor is already there: it has cleaned up itself, and what runs now is its own.
        return
    with lock:
        stop_recorded(state, log=lambda _: None)
        state.clear_status()


if __name__ == "__main__":
    main(StateDir(Path(sys.argv[1])))
