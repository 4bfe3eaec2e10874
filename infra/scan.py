"""Looks over every template with checkov, and holds its findings against the answers in ``scan_answers.json``."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ANSWERS: Final = Path(__file__).parent / "scan_answers.json"
_TIMEOUT_SECONDS: Final = 300


class ScanError(Exception):
    """The scanner did not run; the message says what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check that failed, wherever it did."""

    check: str
    name: str
    resources: tuple[str, ...]
    answer: str
    """Why it is so all the same; empty: nobody has said."""


def answers() -> dict[str, str]:
    found: dict[str, str] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    return found


def scan(python: Path, templates: Mapping[str, Mapping[str, Any]], folder: Path) -> list[Finding]:
    """Findings by check, of ``templates`` (by name), which are written to ``folder``. ``python`` has checkov installed.

    Raises ScanError.
    """
    for name, template in templates.items():
        (folder / f"{name}.json").write_text(json.dumps(template, indent=1), encoding="utf-8")
    # Through the interpreter rather than the script beside it: the script's first line holds an absolute path.
    command = [str(python), "-m", "checkov.main", "--directory", str(folder), "--framework", "cloudformation"]
    command += ["--output", "json", "--quiet"]
    # It would look for news of itself otherwise, and fetch policies.
    command += ["--skip-download", "--compact"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)  # noqa: S603
    try:
        report = json.loads(done.stdout)
        checked, failed = report["summary"]["resource_count"], report["results"]["failed_checks"]
    except (ValueError, KeyError, TypeError) as error:
        raise ScanError((done.stderr or done.stdout)[-2000:]) from error
    if report["summary"]["parsing_errors"] or not checked:
        raise ScanError(f"{report['summary']['parsing_errors']} templates could not be read, {checked} resources were")
    return _findings(failed)


def _findings(failed: list[Mapping[str, Any]]) -> list[Finding]:
    by_check: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in failed:
        template = Path(one["file_path"]).stem
        by_check[one["check_id"], one["check_name"]].append(f"{template}: {one['resource'].rpartition('.')[2]}")
    said = answers()
    return [
        Finding(check=check, name=name, resources=tuple(sorted(resources)), answer=said.get(check, ""))
        for (check, name), resources in sorted(by_check.items())
    ]
