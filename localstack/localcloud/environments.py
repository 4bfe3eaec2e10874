"""The checkout's Python environments: what each holds, whether it is up to date, and how it is built.

Standard library only: this runs before anything is installed.
"""

import hashlib
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from localcloud.errors import LocalCloudError

STAMP = ".arena-stamp"
_STAMP_FORMAT = 1
"""Counts changes of how environments are built: raising it rebuilds every one."""
_TAIL_LINES = 20
_MEBIBYTE = 1024 * 1024

Run = Callable[[Sequence[str], Path], int]
"""Runs a command, appending its output to a log file; returns its exit code."""


class Buildable(Protocol):
    """Something that ``bootstrap.py`` brings up to date."""

    @property
    def name(self) -> str: ...

    @property
    def disk_mebibytes(self) -> int: ...

    def is_current(self) -> bool: ...

    def build(self, run: Run, log: Callable[[str], None], log_file: Path) -> None: ...


@dataclass(frozen=True)
class Environment:
    """A virtual environment: a requirements file and, for LocalStack's, a project of ours installed into it.

    ``disk_mebibytes`` is what building it takes at most, pip's downloads included.
    """

    name: str
    directory: Path
    requirements: Path
    disk_mebibytes: int
    project: Path | None = None
    on_demand: bool = False
    """Built only when asked for by name: running the arena does not need it."""

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def stamp_file(self) -> Path:
        return self.directory / STAMP

    def fingerprint(self) -> str:
        """Changes whenever the environment has to be built again: other Python, requirements or project sources."""
        digest = hashlib.sha256(json.dumps([_STAMP_FORMAT, sys.version, platform.machine(), sys.base_prefix]).encode())
        for file in (*_with_included(self.requirements), *_sources(self.project)):
            digest.update(f"\0{file.name}\0".encode())
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def is_current(self) -> bool:
        """Whether it stands and was built from what is there now."""
        try:
            return self.stamp_file.read_text(encoding="ascii") == self.fingerprint() and self.python.exists()
        except OSError:
            return False

    def build(self, run: Run, log: Callable[[str], None], log_file: Path) -> None:
        """Creates the environment, or brings it up to date. Raises LocalCloudError with the end of pip's output."""
        self.stamp_file.unlink(missing_ok=True)
        log_file.unlink(missing_ok=True)
        if not self._fits_this_python():
            log(f"{self.name}: creating {self.directory.name} with Python {platform.python_version()}")
            self._run(run, log_file, [sys.executable, "-m", "venv", "--clear", str(self.directory)])
        log(f"{self.name}: installing {self.requirements.name}")
        pip = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        self._run(run, log_file, [*pip, "--requirement", str(self.requirements)])
        if self.project is not None:
            log(f"{self.name}: installing {self.project.name}")
            self._run(run, log_file, [*pip, "--no-deps", "--force-reinstall", str(self.project)])
        self.stamp_file.write_text(self.fingerprint(), encoding="ascii")
        log(f"{self.name}: ready")

    def _fits_this_python(self) -> bool:
        """Whether an environment stands that this very Python version made, so that it can be brought up to date."""
        try:
            settings = (self.directory / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        made_by = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in settings)}
        return self.python.exists() and made_by.get("version") == platform.python_version()

    def _run(self, run: Run, log_file: Path, command: Sequence[str]) -> None:
        code = run(command, log_file)
        if code != 0:
            end = "\n".join(log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])
            raise LocalCloudError(
                f"{self.name}: {' '.join(command)} ended with exit code {code}:\n{end}",
                f"the packages come from where your pip configuration says (pip config list); when it can be reached, "
                f"run the command again. The whole log is {log_file}",
            )


def environments(checkout: Path) -> dict[str, Environment]:
    """Every environment of a checkout by name, the biggest first."""
    embedded = checkout / ".arena" / "envs"
    recipes = checkout / "localstack"
    every = (
        Environment("project", checkout / ".venv", checkout / "requirements-dev.txt", 1_000),
        Environment(
            "localstack",
            embedded / "localstack",
            recipes / "requirements-localstack.txt",
            900,
            project=recipes / "plugin",
        ),
        Environment("runtime", embedded / "runtime", recipes / "requirements-runtime.txt", 150),
        Environment("scan", embedded / "scan", checkout / "infra" / "requirements-scan.txt", 450, on_demand=True),
        Environment("docs", embedded / "docs", checkout / "infra" / "requirements-docs.txt", 150, on_demand=True),
        Environment("fuzz", embedded / "fuzz", checkout / "tests" / "fuzz" / "requirements.txt", 300, on_demand=True),
    )
    return {environment.name: environment for environment in every}


def require_disk(stale: Sequence[Buildable], checkout: Path) -> None:
    """Raises LocalCloudError when the disk can't take the environments still to be built."""
    needed = sum(environment.disk_mebibytes for environment in stale)
    free = shutil.disk_usage(checkout).free // _MEBIBYTE
    if free < needed:
        raise LocalCloudError(
            f"{needed} MiB are needed for the environments ({', '.join(e.name for e in stale)}); "
            f"{free} MiB are free where {checkout} lies",
            "free some space, or clone to a bigger disk",
        )


def require_platform() -> None:
    """Raises LocalCloudError where the local cloud can't run, or Python lacks its venv module."""
    if sys.platform not in ("linux", "darwin"):
        raise LocalCloudError(
            f"the local cloud runs on Linux and macOS; this is {platform.system() or sys.platform}",
            "on Windows use WSL 2",
        )
    for module in ("venv", "ensurepip"):
        if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode:
            raise LocalCloudError(
                f"{sys.executable} lacks its {module} module, which makes environments",
                f"on Debian and Ubuntu: apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv",
            )


def _with_included(requirements: Path) -> Iterator[Path]:
    """A requirements file and those it includes by ``-r``."""
    yield requirements
    for line in requirements.read_text(encoding="utf-8").splitlines():
        option, _, included = line.partition(" ")
        if option in ("-r", "--requirement"):
            yield from _with_included(requirements.parent / included.strip())


def _sources(project: Path | None) -> list[Path]:
    """The files a project is built from; not what building it leaves behind."""
    if project is None:
        return []
    found = (path for suffix in ("*.py", "*.toml", "*.cfg", "*.txt") for path in project.rglob(suffix))
    return sorted(path for path in found if not any(_is_built(part) for part in path.relative_to(project).parts))


def _is_built(part: str) -> bool:
    return part == "build" or part.endswith(".egg-info")
