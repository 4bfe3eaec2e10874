"""The command behind localstack/bootstrap.py: builds stale environments side by side, showing progress."""

import argparse
import contextlib
import fcntl
import platform
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from localcloud.environments import Buildable, environments, require_disk, require_platform
from localcloud.errors import LocalCloudError
from localcloud.system_packages import SystemPackages

CHECKOUT = Path(__file__).resolve().parents[2]
NEWEST_TRIED_PYTHON = (3, 13)
_HEARTBEAT_SECONDS = 10.0
_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Brings the environments up to date; returns the exit code."""
    known = environments(CHECKOUT)
    parser = argparse.ArgumentParser(
        prog="bootstrap.py",
        description="Builds this checkout's Python environments; instant when they are current.",
    )
    parser.add_argument("--only", choices=list(known), help="build this one alone")
    parser.add_argument(
        "--system-packages", action="store_true", help="also what tests drive: a browser, Prometheus (root, Debian)"
    )
    chosen = parser.parse_args(arguments)
    usual = [one for one in known.values() if not one.on_demand]
    wanted: list[Buildable] = [known[chosen.only]] if chosen.only else [*usual]
    if chosen.system_packages:
        wanted.append(SystemPackages(CHECKOUT))
    if all(environment.is_current() for environment in wanted):
        return 0
    try:
        _bring_up_to_date(wanted)
    except LocalCloudError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next run continues", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _bring_up_to_date(wanted: Sequence[Buildable]) -> None:
    log = _elapsed_log(time.monotonic())
    require_platform()
    if sys.version_info[:2] > NEWEST_TRIED_PYTHON:
        newest = ".".join(map(str, NEWEST_TRIED_PYTHON))
        log(f"note: Python {platform.python_version()} is newer than what this was tried with (up to {newest})")
    logs = CHECKOUT / ".arena" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with _lock(CHECKOUT / ".arena" / "bootstrap.lock", log):
        # Another run may have built them while this one waited for the lock.
        stale = [environment for environment in wanted if not environment.is_current()]
        require_disk(stale, CHECKOUT)
        build_all(stale, logs, log)


def build_all(stale: Sequence[Buildable], logs: Path, log: Callable[[str], None]) -> None:
    """Builds the environments side by side; raises the first failure after ending the others."""
    commands = _Commands()
    done: queue.Queue[tuple[Buildable, BaseException | None]] = queue.Queue()

    def build(environment: Buildable) -> None:
        try:
            environment.build(commands.run, log, logs / f"bootstrap-{environment.name.replace(' ', '-')}.log")
        except BaseException as error:  # noqa: BLE001 (handed to the waiting thread, which raises it)
            done.put((environment, error))
        else:
            done.put((environment, None))

    building = list(stale)
    for environment in stale:
        threading.Thread(target=build, args=(environment,), daemon=True).start()
    try:
        while building:
            try:
                environment, error = done.get(timeout=_HEARTBEAT_SECONDS)
            except queue.Empty:
                log(f"still installing: {', '.join(environment.name for environment in building)} (logs in {logs})")
                continue
            building.remove(environment)
            if error is not None:
                raise error
    finally:
        commands.end_all()


class _Commands:
    """The commands running now, so that a failure of one, or a Ctrl-C, ends the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def run(self, command: Sequence[str], log_file: Path) -> int:
        with log_file.open("ab") as output:
            with self._lock:
                if self._ended:
                    raise LocalCloudError("not started: the bootstrap is ending")
                process = subprocess.Popen(
                    list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
                )
                self._running.add(process)
            try:
                return process.wait()
            finally:
                with self._lock:
                    self._running.discard(process)

    def end_all(self) -> None:
        with self._lock:
            self._ended = True
            running = list(self._running)
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


@contextlib.contextmanager
def _lock(path: Path, log: Callable[[str], None]) -> Iterator[None]:
    """Held while environments are built: a second run waits and then finds them done."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            log("another bootstrap of this checkout is running; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _elapsed_log(began: float) -> Callable[[str], None]:
    def log(message: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {message}", flush=True)

    return log
