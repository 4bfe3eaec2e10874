"""Known vulnerabilities: found, answered, and never taken for none because nobody could be asked."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from infra.audit import NotAudited, Vulnerability, audit, installed

PACKAGES = {"alpha": "1.0", "beta": "2.0"}
CLEAN = [{"name": "alpha", "version": "1.0", "vulns": []}, {"name": "beta", "version": "2.0", "vulns": []}]
FAULT = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"]}
FAULTY = [CLEAN[0], {**CLEAN[1], "vulns": [FAULT]}]
SKIPPED = [CLEAN[0], {"name": "beta", "skip_reason": "Dependency not found on PyPI"}]


def auditor(folder: Path, report: Any, *, code: int = 0, says: str = "") -> Path:
    """A program that answers as pip-audit does."""
    program = folder / "pip-audit"
    told = report if isinstance(report, str) else json.dumps({"dependencies": report, "fixes": []})
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{told}\nEND\necho '{says}' >&2\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def found(folder: Path, report: Any, said: dict[str, str] | None = None, **more: Any) -> list[Vulnerability]:
    return audit(auditor(folder, report, **more), PACKAGES, said or {}, folder, os.environ)


def test_none_is_none_and_every_package_was_asked_about(tmp_path: Path) -> None:
    assert found(tmp_path, CLEAN) == []
    assert (tmp_path / "installed.txt").read_text() == "alpha==1.0\nbeta==2.0\n"


def test_a_known_vulnerability_is_found_and_answered_by_any_of_its_names(tmp_path: Path) -> None:
    (one,) = found(tmp_path, FAULTY, code=1)
    assert (one.id, one.package, one.version, one.fixed_in, one.answer) == ("PYSEC-2026-1", "beta", "2.0", ("2.1",), "")
    assert found(tmp_path, FAULTY, {"CVE-2026-1": "not reached"}, code=1)[0].answer == "not reached"


@pytest.mark.parametrize(
    ("report", "more", "words"),
    [
        (SKIPPED, {}, "no answer about beta"),
        ([], {}, "no answer about alpha"),
        ("", {"code": 1, "says": "Could not connect"}, "Could not connect"),
        ("oops", {"code": 1}, "pip-audit said nothing"),
        (CLEAN, {"code": 2, "says": "usage"}, "usage"),
    ],
)
def test_what_was_not_asked_about_is_not_without_fault(
    tmp_path: Path, report: Any, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotAudited, match=words):
        found(tmp_path, report, **more)


def test_both_requirements_files_are_asked_about() -> None:
    root = Path(__file__).resolve().parents[3]
    named = {
        line.partition("==")[0].partition("[")[0].lower().replace("_", "-")
        for file in ("requirements.txt", "requirements-dev.txt")
        for line in (root / file).read_text().splitlines()
        if "==" in line and ";" not in line and not line.startswith("#")
    }
    assert named <= {name.lower().replace("_", "-") for name in installed()}
