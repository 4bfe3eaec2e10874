"""``./arena failover``: another region takes over a failed one's players, and gives them back."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from chalicelib.clock import system_clock
from chalicelib.replication.draining import RegionHand
from chalicelib.replication.failover import (
    FailoverRefused,
    Report,
    Takeover,
    carry_out,
    plan_failover,
    plan_return,
)
from infra.cli.asking import require_yes
from infra.cli.region_databases import named_databases, opened_hands


@click.command()
@click.option("--from", "failed", default=None, help="The region that has failed.")
@click.option("--to", default=None, help="The region that takes over. Default: the first by priority that can.")
@click.option("--return", "returning", default=None, metavar="REGION", help="The region that takes its players back.")
@click.option("--force", is_flag=True, help="Even if databases do not answer. Read the runbook.")
@click.option("--dry-run", is_flag=True, help="Check, and show the steps; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--mongo", "given", multiple=True, metavar="REGION=URI", help="A region's database, in order of priority."
)
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Default: .arena/state.")
def command(
    failed: str | None,
    to: str | None,
    returning: str | None,
    *,
    force: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    given: tuple[str, ...],
    state_dir: Path | None,
) -> None:
    """Let another region serve a failed one's players: nothing acknowledged is lost, nothing is spent twice.

    Refuses what can't be done safely and says why. A run that was interrupted is run again. docs/runbooks/failover.md
    says when, how, and what to look at.
    """
    if (failed is None) == (returning is None):
        raise click.UsageError("say --from REGION, or --return REGION")
    databases = named_databases(given, state_dir)
    regions = [one.region for one in databases]
    with opened_hands(databases) as hands:
        found = {name: hand.roles() for name, hand in hands.items()}
        try:
            if failed is not None:
                takeover = plan_failover(regions, found, failed=failed, to=to, force=force)
            else:
                takeover = plan_return(regions, found, region=str(returning), force=force)
        except FailoverRefused as refusal:
            raise click.ClickException(str(refusal)) from refusal
        if dry_run:
            click.echo(json.dumps(_plan(takeover), indent=2) if as_json else "\n".join(_shown(takeover)))
            return
        if not yes:
            click.echo("\n".join(_shown(takeover)), err=True)
            require_yes()
        report = _done(takeover, hands)
    click.echo(json.dumps(_result(report), indent=2) if as_json else "\n".join(_told(report)))
    if report.early:
        raise click.ClickException(f"{report.early} events need one that is nowhere: run ./arena replication verify")


def _done(takeover: Takeover, hands: Mapping[str, RegionHand]) -> Report:
    try:
        return carry_out(
            takeover,
            hands,
            run=secrets.token_hex(8),
            clock=system_clock,
            sleep=time.sleep,
            tell=lambda line: click.echo(line, err=True),
        )
    except FailoverRefused as refusal:
        raise click.ClickException(str(refusal)) from refusal


def _plan(takeover: Takeover) -> dict[str, Any]:
    return {**asdict(takeover), "steps": list(takeover.steps)}


def _result(report: Report) -> dict[str, Any]:
    return {
        "of": report.takeover.of,
        "serving": report.takeover.serving,
        "epoch": report.takeover.epoch + 1,
        "drained": report.drained,
        "early": report.early,
        "too_old": report.too_old,
        "unserved_seconds": round(report.unserved_seconds, 3),
    }


def _shown(takeover: Takeover) -> list[str]:
    lines = [f"{number}. {step}" for number, step in enumerate(takeover.steps, 1)]
    if takeover.unreachable:
        missing = ", ".join(takeover.unreachable)
        lines.append(
            f"FORCED: {missing} can't be reached: what they did not send is missing, and they go on as they were; "
            "run it again when they answer, before they serve anybody"
        )
    return lines


def _told(report: Report) -> list[str]:
    drained = ", ".join(f"{count} of {region}" for region, count in sorted(report.drained.items())) or "none"
    return [
        f"{report.takeover.serving} serves the players of {report.takeover.of}",
        f"events it lacked: {drained}",
        f"nobody served them for {report.unserved_seconds:.1f} s",
        *([f"{report.too_old} events are too old to be applied: they stay in the outbox"] if report.too_old else []),
    ]
