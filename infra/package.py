"""Packages the application: one deterministic archive and one completed template per stage.

Chalice writes the template and chooses the application's files; the dependencies are fetched here. Chalice
would fetch them again on each run, warn where a wheel is missing, and keep archives in the project that two
concurrent runs overwrite; here they are fetched once per ``requirements.txt``, a missing wheel is an error,
and everything happens under the build directory behind a lock.

Both are compiled: a function can't write beside its code, and would compile all it imports at each cold start.
"""

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from chalicelib import dataclass_methods
from infra.archive import content_hash, remove_needless, write_archive
from infra.template import STAGES, build_template
from infra.template.groups import GroupsError, read_groups

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent
LAMBDA_PLATFORM: Final = "manylinux2014_x86_64"
"""Wheels for Lambda's x86-64 environments. Extension modules of another platform are simply not found when
the package runs locally elsewhere, and each dependency has a pure Python way for that."""

_SOURCES: Final = ("app.py", "chalicelib", "requirements.txt", ".chalice")
_RECIPE: Final = (
    *("infra/package.py", "infra/archive.py", "infra/compile_methods.py", "infra/template"),
    *("chalicelib/dataclass_methods.py", "chalicelib/scaling/tiers.py"),
)
_NOT_SOURCES: Final = frozenset({"__pycache__", "deployments", "deployed"})
_DEPENDENCY_TIMEOUT_SECONDS: Final = 600
_CHALICE_TIMEOUT_SECONDS: Final = 120
_COMPILE_TIMEOUT_SECONDS: Final = 300


class PackageError(Exception):
    """The package can't be built; the message ends with what to do about it."""


@dataclass(frozen=True)
class Package:
    """What one deployment consists of."""

    stage: str
    zip_path: Path
    template: dict[str, Any]
    """The completed SAM template; functions' CodeUri is still the local archive."""
    content_hash: str
    """SHA-256 over names and contents of the archive's files: equal code has an equal hash on any machine."""


def build_package(
    stage: str, build_dir: Path, log: Callable[[str], None], project_root: Path = PROJECT_ROOT
) -> Package:
    """Builds the package of ``stage``, or returns the earlier one when nothing it depends on has changed.

    Safe to run concurrently. Raises PackageError.
    """
    if stage not in STAGES:
        raise PackageError(f"unknown stage {stage!r}\nhint: choose one of {', '.join(STAGES)}")
    build_dir.mkdir(parents=True, exist_ok=True)
    with _locked(build_dir / "package.lock", log):
        fingerprint = _fingerprint(project_root)
        out = build_dir / "packages" / f"{stage}-{fingerprint[:16]}"
        if not (out / "package.json").exists():
            _build(stage, out, build_dir, project_root, log)
            _forget_older(out)
        return _load(stage, out)


def _fingerprint(project_root: Path) -> str:
    digest = sha256(f"{platform.python_version()}\0{version('chalice')}".encode())
    for base, names in ((project_root, _SOURCES), (PROJECT_ROOT, _RECIPE)):
        for path in _files(base, names):
            contents = path.read_bytes()
            digest.update(f"\0{path.relative_to(base).as_posix()}\0{len(contents)}\0".encode())
            digest.update(contents)
    return digest.hexdigest()


def _files(base: Path, names: tuple[str, ...]) -> Iterator[Path]:
    for name in names:
        root = base / name
        if not root.exists():
            raise PackageError(f"{root} does not exist\nhint: run from a complete checkout")
        for path in sorted([root] if root.is_file() else root.rglob("*")):
            parts = path.relative_to(base).parts
            if path.is_file() and path.suffix != ".pyc" and not _NOT_SOURCES.intersection(parts):
                yield path


def _build(stage: str, out: Path, build_dir: Path, project_root: Path, log: Callable[[str], None]) -> None:
    dependencies = _dependencies(project_root / "requirements.txt", build_dir, log)
    log(f"packaging stage {stage}")
    with tempfile.TemporaryDirectory(dir=build_dir, prefix="packaging-") as scratch:
        project, packaged = Path(scratch, "project"), Path(scratch, "packaged")
        for path in _files(project_root, _SOURCES):
            target = project / path.relative_to(project_root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (project / "requirements.txt").write_text("")
        _run_chalice(stage, project, packaged)
        template = _completed(packaged / "sam.json", stage, project / ".chalice" / "config.json")
        finished = Path(scratch, "finished")
        finished.mkdir()
        archive = finished / "deployment.zip"
        if same := _archive_of_another_stage(out):
            archive.hardlink_to(same)
        else:
            _archive(archive, packaged / "deployment.zip", Path(scratch, "application"), dependencies)
        (finished / "template.json").write_text(json.dumps(template, indent=1))
        (finished / "package.json").write_text(json.dumps({"content_hash": content_hash(archive)}))
        out.parent.mkdir(exist_ok=True)
        shutil.rmtree(out, ignore_errors=True)
        finished.rename(out)
    log(f"packaged {(out / 'deployment.zip').stat().st_size / 1e6:.1f} MB")


def _archive_of_another_stage(out: Path) -> Path | None:
    """One of the same sources, if there is: nothing in it depends on the stage."""
    fingerprint = out.name.rpartition("-")[2]
    return next(out.parent.glob(f"*-{fingerprint}/deployment.zip"), None)


def _archive(target: Path, of_chalice: Path, application: Path, dependencies: Path) -> None:
    with zipfile.ZipFile(of_chalice) as written:
        written.extractall(application)
    _compile(application)
    _compile_methods(application, dependencies)
    write_archive(target, application, dependencies)


def _dependencies(requirements: Path, build_dir: Path, log: Callable[[str], None]) -> Path:
    """A folder with the compiled requirements for Lambda, fetched at most once per content of the file."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    key = sha256(f"compiled\0{python}\0{LAMBDA_PLATFORM}\0{requirements.read_text()}".encode()).hexdigest()[:16]
    folder = build_dir / "dependencies" / key
    if folder.exists():
        return folder
    log("fetching the functions' dependencies")
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as scratch:
        target = Path(scratch, "site")
        target.mkdir()
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--no-compile", "--only-binary=:all:", "--platform", LAMBDA_PLATFORM, "--implementation", "cp"]
        command += ["--python-version", python, "--target", str(target), "--requirement", str(requirements)]
        _run(
            command,
            cwd=requirements.parent,
            timeout_seconds=_DEPENDENCY_TIMEOUT_SECONDS,
            what="fetching the functions' dependencies",
            hint=f"each line of requirements.txt needs a wheel for {LAMBDA_PLATFORM} or for any platform",
        )
        remove_needless(target)
        _compile(target)
        target.rename(folder)
    return folder


def _compile(folder: Path) -> None:
    """Byte code beside every source, taken as it is: what unpacks an archive may give the sources any time.

    An interpreter of its own, because what was compiled before shows in what is compiled next.
    """
    command = [sys.executable, "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    _run(
        [*command, "-s", str(folder), str(folder)],
        cwd=folder,
        timeout_seconds=_COMPILE_TIMEOUT_SECONDS,
        what="compiling the package",
        hint="every source in it must be of this Python; see the lines above",
    )


def _compile_methods(application: Path, dependencies: Path) -> None:
    """Byte code of what a start would have to compile even so: the text Python makes dataclasses of."""
    target = dataclass_methods.file_in(application / "chalicelib")
    command = [sys.executable, "-P", str(PROJECT_ROOT / "infra" / "compile_methods.py"), str(target)]
    _run(
        [*command, str(application), str(dependencies)],
        cwd=application,
        timeout_seconds=_COMPILE_TIMEOUT_SECONDS,
        what="compiling the methods of dataclasses",
        hint="importing any module must work without services and without secrets; see the lines above",
    )


def _run_chalice(stage: str, project: Path, packaged: Path) -> None:
    # Through the interpreter rather than the script beside it: the script's first line holds an absolute path.
    command = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    command += ["--project-dir", str(project), "package", "--stage", stage]
    command += ["--pkg-format", "cloudformation", str(packaged)]
    _run(
        command,
        cwd=project,
        timeout_seconds=_CHALICE_TIMEOUT_SECONDS,
        what="chalice package",
        hint="importing app.py must work without services and without secrets; see the lines above",
    )


def _completed(chalice_template: Path, stage: str, config: Path) -> dict[str, Any]:
    try:
        groups = read_groups(json.loads(config.read_text()), stage)
        return build_template(json.loads(chalice_template.read_text()), STAGES[stage], groups)
    except GroupsError as error:
        raise PackageError(f".chalice/config.json, stage {stage}:\n{error}") from error


def _run(command: list[str], *, cwd: Path, timeout_seconds: int, what: str, hint: str) -> None:
    # Chalice asks botocore for a region although nothing in the template depends on one.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "AWS_DEFAULT_REGION": "us-east-1"}
    try:
        done = subprocess.run(  # noqa: S603 (our interpreter, arguments built above)
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PackageError(f"{what} took longer than {timeout_seconds} s\nhint: {hint}") from error
    if done.returncode != 0:
        output = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise PackageError(f"{what} failed:\n{output}\nhint: {hint}")


def _load(stage: str, out: Path) -> Package:
    manifest = json.loads((out / "package.json").read_text())
    template = json.loads((out / "template.json").read_text())
    return Package(stage, out / "deployment.zip", template, manifest["content_hash"])


def _forget_older(kept: Path, keep: int = 3) -> None:
    """Removes all but the newest ``keep`` packages of the same stage."""
    stage = kept.name.rpartition("-")[0]
    same_stage = [path for path in kept.parent.iterdir() if path.name.rpartition("-")[0] == stage]
    newest_first = sorted(same_stage, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[keep:]:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(path: Path, log: Callable[[str], None]) -> Iterator[None]:
    """Holds an advisory lock; the system releases it if this process dies."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("waiting for another packaging run to finish")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
