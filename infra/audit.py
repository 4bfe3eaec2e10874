"""Asks PyPI about known vulnerabilities of the packages that are installed, with pip-audit; findings are held against
``audit_answers.json``.

PyPI tells them by its JSON API, which a mirror of PyPI's files need not have: then nothing is known, and that is said.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

ANSWERS: Final = Path(__file__).parent / "audit_answers.json"
_TIMEOUT_SECONDS: Final = 600
_ONE_ANSWER_SECONDS: Final = 10
_FOUND_SOME: Final = 1
"""pip-audit's exit code when there are vulnerabilities; its other failures share it, without a report."""


class NotAudited(Exception):
    """Not every package could be asked about; the message says which, or why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """A known fault of an installed package."""

    id: str
    package: str
    version: str
    fixed_in: tuple[str, ...]
    answer: str
    """Why it does no harm here; empty: nobody has said."""


def answers() -> dict[str, str]:
    found: dict[str, str] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found


def installed() -> dict[str, str]:
    """Versions by package of the environment this runs in: what both requirements files name, and what that needs."""
    return {found.metadata["Name"]: found.version for found in distributions()}


def audit(
    auditor: Path, packages: Mapping[str, str], said: Mapping[str, str], folder: Path, environ: Mapping[str, str]
) -> list[Vulnerability]:
    """Vulnerabilities of ``packages`` (versions by name), with the answers in ``said``.

    ``auditor`` is pip-audit's program, run with ``environ``; ``folder`` takes what it is given. Raises ``NotAudited``.
    """
    # One first: where PyPI's API is not to be had, nobody waits for a refusal about each of them.
    first = dict(sorted(packages.items())[:1])
    _report(auditor, first, folder, environ)
    report = _report(auditor, packages, folder, environ)
    return sorted(_vulnerabilities(report, said), key=lambda one: (one.package, one.id))


def _report(
    auditor: Path, packages: Mapping[str, str], folder: Path, environ: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """pip-audit's report on each package. Raises ``NotAudited``."""
    requirements = folder / "installed.txt"
    requirements.write_text("".join(f"{name}=={version}\n" for name, version in sorted(packages.items())), "utf-8")
    command = [str(auditor), "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    command += ["--vulnerability-service", "pypi", "--format", "json", "--desc", "off", "--progress-spinner", "off"]
    command += ["--timeout", str(_ONE_ANSWER_SECONDS)]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False, env=dict(environ)
        )
    except subprocess.TimeoutExpired as error:
        raise NotAudited(f"no answer within {_TIMEOUT_SECONDS} s") from error
    try:
        report: list[Mapping[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, LookupError, TypeError) as error:
        raise NotAudited(_last_line(done.stderr)) from error
    if done.returncode not in (0, _FOUND_SOME):
        raise NotAudited(_last_line(done.stderr))
    known = {_plain(one["name"]) for one in report if "vulns" in one}
    unknown = sorted(name for name in packages if _plain(name) not in known)
    if unknown:
        more = f" and {len(unknown) - 5} more" if unknown[5:] else ""
        raise NotAudited(f"PyPI's API has no answer about {', '.join(unknown[:5])}{more}")
    return report


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][-500:] if lines else "pip-audit said nothing"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _vulnerabilities(report: Iterable[Mapping[str, Any]], said: Mapping[str, str]) -> Iterable[Vulnerability]:
    for one in report:
        for fault in one["vulns"]:
            yield Vulnerability(
                id=fault["id"],
                package=one["name"],
                version=one["version"],
                fixed_in=tuple(fault["fix_versions"]),
                answer=next((said[name] for name in (fault["id"], *fault["aliases"]) if name in said), ""),
            )
