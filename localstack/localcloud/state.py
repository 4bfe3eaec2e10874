"""Where a checkout's local cloud keeps its files, and its status between commands."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.errors import LocalCloudError

STATE_DIR_VARIABLE = "ARENA_STATE_DIR"
PRIVATE_FILE_MODE = 0o600
_MARKER_TEXT = "State of the arena's local cloud; ./arena down --purge empties it.\n"


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replaces ``path`` in one step, so that a reader never sees half a file; ``mode`` holds from the first byte."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


@dataclass(frozen=True)
class StateDir:
    """The state directory's layout: ``run/`` pid files, ``logs/``, ``data/<server>/``, secrets and status."""

    root: Path

    @classmethod
    def locate(cls, chosen: Path | None, checkout: Path) -> "StateDir":
        """The directory named by option, else by ARENA_STATE_DIR, else ``.arena/state`` of the checkout."""
        named = chosen or os.environ.get(STATE_DIR_VARIABLE)
        return cls(Path(named).absolute() if named else checkout / ".arena" / "state")

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    @property
    def status_file(self) -> Path:
        return self.root / "status.json"

    @property
    def lock_file(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def _marker(self) -> Path:
        return self.root / ".arena-state"

    def log(self, name: str) -> Path:
        """The log file of the server (or supervisor) called ``name``."""
        return self.logs / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.run / f"{name}.pid"

    def server_data(self, name: str) -> Path:
        """The data directory of one server, created when missing."""
        directory = self.data / name
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def create(self) -> None:
        """Makes the directories. Raises LocalCloudError where they can't be made."""
        try:
            for directory in (self.root, self.run, self.logs, self.data):
                directory.mkdir(parents=True, exist_ok=True)
            self._marker.write_text(_MARKER_TEXT, encoding="utf-8")
        except OSError as error:
            raise LocalCloudError(
                f"the state directory {self.root} cannot be used: {error.strerror}",
                f"choose another one with --state-dir or {STATE_DIR_VARIABLE}",
            ) from error

    def read_status(self) -> dict[str, Any] | None:
        """What the supervisor last wrote, or None where there is nothing legible."""
        return read_json(self.status_file)

    def write_status(self, status: dict[str, Any]) -> None:
        write_atomically(self.status_file, json.dumps(status, indent=2) + "\n")

    def clear_status(self) -> None:
        self.status_file.unlink(missing_ok=True)

    def purge(self) -> None:
        """Deletes everything the local cloud keeps. Refuses a directory that is not a state directory of ours."""
        if not self.root.exists():
            return
        if not self._marker.exists():
            raise LocalCloudError(
                f"{self.root} does not look like a state directory of the arena; nothing was deleted",
                "delete it by hand if it is one",
            )
        for directory in (self.data, self.logs, self.run):
            shutil.rmtree(directory, ignore_errors=True)
        for file in (self.secrets_file, self.status_file, self._marker):
            file.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in ``path``; None when it is missing or not one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
