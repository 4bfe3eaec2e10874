"""Takes a local cloud down once whoever brought it up is gone: tests that are interrupted finish nothing themselves.

Run as a process: ``python -m tests.heir STATE_DIR``, with a pipe for input whose other end the owner keeps.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def taken_down_after_all(state: Path) -> Iterator[None]:
    """Inside: the cloud of ``state`` goes with this process, however that ends."""
    command = [sys.executable, "-m", "tests.heir", str(state)]
    # In a session of its own it is not interrupted with its owner.
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True):
        yield


def main() -> None:
    state = Path(sys.argv[1])
    while os.read(0, 1):
        pass
    if state.exists():
        subprocess.run([sys.executable, str(ROOT / "arena"), "down", "--purge", "--state-dir", str(state)], check=False)


if __name__ == "__main__":
    main()
