"""What scanners have against the templates and the packages: all findings are answered, all answers are to findings."""

import json

from click.testing import CliRunner

from infra.cli.scan import NOT_AUDITED, command
from infra.scan import answers


def test_every_finding_has_an_answer_and_every_answer_a_finding() -> None:
    result = CliRunner().invoke(command, ["--stage", "prod", "--json"])
    assert result.exit_code == 0, result.output
    findings = json.loads(result.stdout)
    assert {one["check"] for one in findings} == answers().keys()
    assert all(one["resources"] for one in findings)


def test_packages_that_nobody_could_be_asked_about_are_not_without_fault() -> None:
    """pip-audit itself, without a way to PyPI."""
    nowhere = "http://127.0.0.1:9"
    result = CliRunner().invoke(command, ["dependencies"], env={"HTTPS_PROXY": nowhere, "https_proxy": nowhere})
    assert result.exit_code == NOT_AUDITED, result.output
    assert result.output.startswith("NOT AUDITED, nothing is known about the ")
    assert len(result.output.splitlines()) == 1
