"""``./arena replication catch-up``: regions are given what they lack of each other's events, past the queues."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from bson import ObjectId

from chalicelib.clock import system_clock
from chalicelib.errors import Unavailable
from chalicelib.replication.draining import PAGE, Drained, Draining, RegionHand, always
from infra.cli.region_databases import opened_hands
from infra.cli.replication_options import chosen, options

_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])


@click.command("catch-up")
@click.option("--since", type=_MOMENT, help="Events made since then, UTC. Default: all that outboxes keep, seven days.")
@options
def catch_up(
    *, since: datetime | None, given: tuple[str, ...], regions: str | None, state_dir: Path | None, as_json: bool
) -> None:
    """Give every region what it lacks of the others' events, straight from their outboxes.

    For when queues have lost what they held. Safe beside a running arena: an event counts once, whichever way it comes.
    Exits with 1 when events are left that need one that is nowhere; ./arena replication verify --repair heals those.
    """
    databases = chosen(given, regions, state_dir, at_least=2)
    with opened_hands(databases) as hands:
        silent = [one.region for one in databases if one.region not in hands]
        if silent:
            raise click.ClickException(f"the database of {', '.join(silent)} does not answer")
        try:
            reports = {region: _caught_up(region, hands, since) for region in hands}
        except Unavailable as error:
            raise click.ClickException(f"a database could not be asked, run it again: {error}") from error
    if as_json:
        click.echo(json.dumps({region: _shown(report) for region, report in reports.items()}, indent=2))
    else:
        click.echo("\n".join(_line(region, report) for region, report in reports.items()))
    if any(report.early for report in reports.values()):
        raise SystemExit(1)


def _caught_up(region: str, hands: Mapping[str, RegionHand], since: datetime | None) -> Drained:
    sources = {name: hand for name, hand in hands.items() if name != region}
    # An event's id begins with the second it was made in.
    after = {} if since is None else dict.fromkeys(sources, ObjectId.from_datetime(since.replace(tzinfo=UTC)))
    report = Drained(places=after)
    Draining(hands[region], sources, report, system_clock, PAGE).run(always)
    return report


def _shown(report: Drained) -> dict[str, object]:
    return {name: value for name, value in asdict(report).items() if name != "places"}


def _line(region: str, report: Drained) -> str:
    lacked = ", ".join(f"{count} of {source}" for source, count in sorted(report.drained.items())) or "nothing"
    left = f"; {report.early} need an event that is nowhere" if report.early else ""
    old = f"; {report.too_old} are too old to be applied" if report.too_old else ""
    return f"{region} lacked {lacked}{left}{old}"
