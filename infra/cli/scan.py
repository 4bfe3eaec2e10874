"""``./arena scan``: what scanners have against templates, files and packages, and what is said to it."""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from infra.atlas import build_atlas
from infra.foundation import build_foundation
from infra.package import PROJECT_ROOT, PackageError, build_package
from infra.scan import Finding, ScanError, scan
from infra.template import STAGES
from infra.world import build_world
from localcloud.environments import Environment, environments

SHOWN = 4
"""Resources named of each finding."""
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


NOT_AUDITED = 75
"""Exit code of an audit that could not be made: EX_TEMPFAIL, so that CI can tell it from findings."""


@click.group(invoke_without_command=True)
@click.pass_context
@click.option("--stage", type=click.Choice(list(STAGES)), default="prod", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(context: click.Context, stage: str, *, as_json: bool) -> None:
    """Look over a stage's templates with checkov. Fails when a finding has no answer in infra/scan_answers.json."""
    if context.invoked_subcommand is not None:
        return
    scanner = _scanner()
    try:
        with tempfile.TemporaryDirectory() as folder:
            findings = scan(scanner.python, _templates(stage), Path(folder))
    except (PackageError, ScanError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        click.echo("\n".join(line for one in findings for line in _lines(one)))
    unanswered = [one.check for one in findings if not one.answer]
    if unanswered:
        raise click.ClickException(f"no answer to {', '.join(unanswered)}: mend it, or say why in scan_answers.json")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def secrets(*, as_json: bool) -> None:
    """Look for secrets in the repository's files. Fails at one that infra/secret_answers.json has no answer to."""
    from infra.secret_scan import answers, idle_answers, suspects, tracked

    said, files = answers(), tracked(PROJECT_ROOT)
    found = suspects(PROJECT_ROOT, files, said)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            click.echo(f"{one.file}:{one.line} {one.kind} {one.hash}\n  {one.answer or 'NOT ANSWERED'}")
        click.echo(f"{len(files)} files, {len(found)} suspects", err=True)
    unanswered = [f"{one.file}:{one.line}" for one in found if not one.answer]
    if unanswered:
        raise click.ClickException(
            f"{', '.join(unanswered)} may be a secret: take it out (and out of use, if it was ever pushed), "
            "or say in infra/secret_answers.json why it is none"
        )
    if idle := idle_answers(found, said):
        raise click.ClickException(f"answers to nothing in infra/secret_answers.json: {', '.join(idle)}")


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def dependencies(*, as_json: bool) -> None:
    """Ask PyPI about known vulnerabilities of every installed package, with pip-audit.

    Fails at one that infra/audit_answers.json has no answer to. Exit code 75: PyPI did not tell about all of them.
    """
    from infra.audit import NotAudited, answers, audit, installed

    auditor = _scanner().directory / "bin" / "pip-audit"
    packages, said = installed(), answers()
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = audit(auditor, packages, said, Path(folder), os.environ)
    except NotAudited as error:
        click.echo(f"NOT AUDITED, nothing is known about the {len(packages)} packages: {error}", err=True)
        raise click.exceptions.Exit(NOT_AUDITED) from error
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            fixed = f"fixed in {', '.join(one.fixed_in)}" if one.fixed_in else "not fixed yet"
            click.echo(f"{one.package} {one.version} {one.id}, {fixed}\n  {one.answer or 'NOT ANSWERED'}")
        click.echo(f"{len(packages)} packages, {len(found)} known vulnerabilities", err=True)
    unanswered = sorted({f"{one.package} {one.id}" for one in found if not one.answer})
    if unanswered:
        raise click.ClickException(f"no answer to {', '.join(unanswered)}: upgrade, or say why in audit_answers.json")


def _scanner() -> Environment:
    scanner = environments(PROJECT_ROOT)["scan"]
    if not scanner.is_current():
        raise click.ClickException("the scanner is not installed\nhint: python3 localstack/bootstrap.py --only scan")
    return scanner


def _templates(stage: str) -> dict[str, dict[str, Any]]:
    spec = STAGES[stage]
    package = build_package(stage, PROJECT_ROOT / ".arena" / "build", lambda line: click.echo(line, err=True))
    return {
        "stage": package.template,
        "foundation": build_foundation(spec),
        "world": build_world(spec, REGIONS),
        "atlas": build_atlas(spec, REGIONS),
    }


def _lines(finding: Finding) -> list[str]:
    left = len(finding.resources) - SHOWN
    shown = ", ".join(finding.resources[:SHOWN]) + (f" and {left} more" if left > 0 else "")
    return [f"{finding.check} {finding.name}", f"  {shown}", f"  {finding.answer or 'NOT ANSWERED'}"]
