"""``./arena plan``: what a number of players needs, and what it costs."""

import json
from dataclasses import asdict
from typing import Any

import click

from infra.planning.assumptions import Assumptions, sources
from infra.planning.capacity import Plan, Planner
from infra.planning.cost import monthly, of_a_million_battles
from infra.planning.figures import Figure, number
from infra.planning.prices import AS_OF

DEFAULT_PLAYERS = (10_000, 1_000_000, 100_000_000)


@click.command()
@click.option(
    "--players",
    type=click.IntRange(min=1),
    multiple=True,
    help="Registered players; may be repeated. Ten thousand, one million and a hundred million by default.",
)
@click.option("--assume", multiple=True, metavar="NAME=VALUE", help="Another value of an assumption; may be repeated.")
@click.option("--assumptions", "list_assumptions", is_flag=True, help="List the assumptions and where they come from.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(players: tuple[int, ...], assume: tuple[str, ...], list_assumptions: bool, as_json: bool) -> None:
    """Show what a number of players needs: environments, quotas, connections, shards, cache and monthly cost.

    Every figure comes with its formula and its source. Prices are list prices of us-east-1.
    """
    given = _assumptions(assume)
    if list_assumptions:
        rows = {name: {"value": getattr(given, name), "source": source} for name, source in sources().items()}
        if as_json:
            click.echo(json.dumps(rows, indent=2))
        else:
            click.echo("\n".join(f"{name} = {row['value']:g}: {row['source']}" for name, row in rows.items()))
        return
    reports = []
    for count in players or DEFAULT_PLAYERS:
        planned = Planner(count, given).plan()
        items = monthly(planned, given)
        total = sum(item.usd for item in items)
        figures = [*planned.figures, *(item.figure for item in items), _total(total, planned)]
        reports.append((planned, figures))
    if as_json:
        click.echo(json.dumps([_report(planned, figures) for planned, figures in reports], indent=2))
    else:
        click.echo("\n\n".join(_table(planned, figures) for planned, figures in reports))


def _assumptions(assume: tuple[str, ...]) -> Assumptions:
    values = {}
    for text in assume:
        name, _, value = text.partition("=")
        try:
            values[name.strip()] = float(value)
        except ValueError as error:
            raise click.UsageError(f"--assume {text!r}: NAME=VALUE with a number, e.g. peak_to_mean=4") from error
    try:
        return Assumptions().changed(values)
    except ValueError as error:
        raise click.UsageError(f"--assume: {error}") from error


def _total(usd: float, planned: Plan) -> Figure:
    each = f"${usd / planned.players:.2g} for each registered player, "
    each += f"${of_a_million_battles(planned, usd):,.0f} for a million battles"
    return Figure("cost: total", round(usd, 2), "USD a month", f"all of the above; {each}", f"list prices of {AS_OF}")


def _report(planned: Plan, figures: list[Figure]) -> dict[str, Any]:
    return {
        "players": planned.players,
        "tier": planned.capacity.tier.name,
        "figures": [asdict(figure) for figure in figures],
        "warnings": list(planned.warnings),
    }


def _table(planned: Plan, figures: list[Figure]) -> str:
    lines = [f"{planned.players:,} players"]
    for figure in figures:
        value = figure.value if isinstance(figure.value, str) else number(figure.value)
        lines += [f"  {figure.name:<36} {value:>14} {figure.unit}", f"  {'':<36} {'':>14} = {figure.formula}"]
    lines += [f"  note: {warning}" for warning in planned.warnings]
    return "\n".join(lines)
