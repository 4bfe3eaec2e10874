"""``./arena replication``: what regions hold, told each other, lost and could not apply."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from chalicelib.clock import system_clock
from chalicelib.replication.verify import GRACE, Verifier
from chalicelib.replication.verify_report import Report
from infra.cli.dead_letters import deadletters, replay
from infra.cli.progress import Progress
from infra.cli.replication_catch_up import catch_up
from infra.cli.replication_log import conflicts, lag
from infra.cli.replication_options import chosen, opened_books, options

SHOWN_MAX = 20
"""Differences printed one by one; --json has them all."""


@click.group()
def command() -> None:
    """Compare and repair regions; show lag and conflicts; replay what was lost or could not be applied."""


@command.command("verify")
@click.option("--repair", is_flag=True, help="Heal what differs. Without it nothing is changed.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=GRACE.total_seconds(),
    show_default=True,
    help="Seconds after which what differed is looked at again.",
)
@options
def verify_command(
    *, repair: bool, grace: float, given: tuple[str, ...], regions: str | None, state_dir: Path | None, as_json: bool
) -> None:
    """Compare what the regions hold, document by document, and heal what differs.

    Safe beside a running arena. Exits with 1 when differences remain. docs/replication.md says by which rules;
    docs/runbooks/replication.md what to do with the answer.
    """
    counter = Progress()
    with opened_books(chosen(given, regions, state_dir, at_least=2)) as books:
        verifier = Verifier(books, system_clock, lambda pause: time.sleep(pause.total_seconds()))
        report = verifier.run(repair=repair, grace=timedelta(seconds=grace), progress=counter.count)
    counter.end()
    click.echo(json.dumps(report.data(), indent=2) if as_json else "\n".join(_lines(report)))
    if not report.agrees:
        raise SystemExit(1)


def _lines(report: Report) -> Iterator[str]:
    cost = report.cost
    regions = ", ".join(report.regions)
    yield f"{regions}: {cost.documents:,} documents read, {report.players_audited:,} standings audited"
    yield f"compared {cost.digests:,} digests of ranges, {cost.rows:,} of documents; fetched {cost.whole:,} documents"
    if cost.unnamed:
        yield f"{cost.unnamed:,} facts of before replication have no identity and were not compared"
    if report.under_way:
        yield f"{report.under_way:,} documents differ because of events under way"
    for what, number in report.counted().items():
        yield f"  {what}: {number:,}"
    for one in report.differences[:SHOWN_MAX]:
        shown = one.shown()
        fields = f" ({', '.join(shown['fields'])})" if one.fields else ""
        yield f"  {one.region} {one.collection} {shown['key']}: {one.action}{fields}, {one.why}"
    if len(report.differences) > SHOWN_MAX:
        yield f"  … and {len(report.differences) - SHOWN_MAX:,} more; --json has them all"
    for blocked in report.blocked:
        yield f"  NOT DECIDED: {blocked.collection} {blocked.shown()['key']}: {blocked.why}"
    yield _verdict(report)


def _verdict(report: Report) -> str:
    if report.truncated:
        return "TOO MUCH DIFFERS: a region is empty, or another arena's. Restore it from a backup, then verify again."
    if not report.differences and not report.blocked:
        return "the regions agree"
    if not report.is_repair:
        return f"{len(report.differences):,} differences; --repair heals them"
    left = f"; {report.remaining:,} documents still differ, run it again" if report.remaining else ""
    stale = f", {report.stale:,} changed meanwhile" if report.stale else ""
    return f"{report.made:,} of {len(report.differences):,} differences healed{stale}{left}"


for _other in (catch_up, conflicts, lag, deadletters, replay):
    command.add_command(_other)
