"""``./arena scaling simulate``: scaling policies on recorded traffic, in a model of Lambda."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from chalicelib.scaling.model import ScalingLimits
from chalicelib.scaling.predictive import WORTH_SECONDS

POLICY_NAMES: Final = ("static", "guide", "hpa", "target-tracking", "predictive", "oracle")
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("simulate")
@click.argument("more", nargs=-1)
@click.option("--trace", "traces", type=_FILE, multiple=True, help="A CSV file with the columns minute,requests.")
@click.option("--policy", "policies", type=click.Choice(POLICY_NAMES), multiple=True, help="Only these.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of arrivals and service times.")
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiply the rate: below 1 requests are thinned out, above 1 the surplus is drawn.",
)
@click.option(
    "--worth",
    type=click.FloatRange(min=0, min_open=True),
    default=WORTH_SECONDS,
    show_default=True,
    help="What a cold-served request is worth, in seconds of keeping one environment.",
)
@click.option(
    "--service-seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    help="Mean time of one invocation, instead of the model's.",
)
@click.option("--min", "low", type=click.IntRange(min=1), default=1, show_default=True, help="Fewest environments.")
@click.option("--max", "high", type=click.IntRange(min=1), default=1000, show_default=True, help="Most environments.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with an object per trace and policy.")
@click.option("--plot", "plots", type=click.Path(file_okay=False, path_type=Path), help="Write a PNG per trace there.")
def command(
    more: tuple[str, ...],
    traces: tuple[Path, ...],
    policies: tuple[str, ...],
    *,
    seed: int,
    scale: float,
    worth: float,
    service_seconds: float | None,
    low: int,
    high: int,
    as_json: bool,
    plots: Path | None,
) -> None:
    """Run scaling policies on recorded traffic and compare what they spill and cost.

    MORE are further traces or policies, so that "--trace *.csv" and "--policy guide hpa" work.
    docs/scaling.md states the model.
    """
    from infra.simulation.report import shortfalls, table
    from infra.simulation.scenario import Scenario, simulate
    from infra.simulation.traces import MalformedTrace, read_trace

    paths, names = _sorted_out(more, traces, policies)
    if low > high:
        raise click.UsageError(f"--min {low} is above --max {high}")
    scenario = Scenario(limits=ScalingLimits(min=low, max=high), seed=seed, scale=scale, worth_seconds=worth)
    if service_seconds is not None:
        scenario = replace(scenario, model=replace(scenario.model, service_mean_seconds=service_seconds))
    try:
        read = [read_trace(path) for path in paths]
    except MalformedTrace as error:
        raise click.ClickException(str(error)) from error
    runs = []
    progress = _Progress()
    for trace in read:
        found = simulate(scenario, trace, names, progress)
        runs += found
        if plots is not None:
            from infra.simulation.plots import plot

            click.echo(f"wrote {plot(found, plots)}", err=True)
    progress.clear()
    if as_json:
        click.echo(json.dumps([run.report() for run in runs], indent=2))
        return
    click.echo("\n".join([*table(runs), *shortfalls(runs)]))


def _sorted_out(
    more: tuple[str, ...], traces: tuple[Path, ...], policies: tuple[str, ...]
) -> tuple[list[Path], list[str]]:
    paths, names = list(traces), list(policies)
    for word in more:
        if word in POLICY_NAMES:
            names.append(word)
        elif Path(word).is_file():
            paths.append(Path(word))
        else:
            raise click.UsageError(f"{word!r} is neither a file nor a policy ({', '.join(POLICY_NAMES)})")
    if not paths:
        raise click.UsageError("name at least one trace: --trace bench/traces/azure_fn_flash.csv")
    return list(dict.fromkeys(paths)), [name for name in POLICY_NAMES if name in names or not names]


class _Progress:
    """A line on standard error: rewritten on a terminal; elsewhere one per minute at most."""

    def __init__(self) -> None:
        self._terminal, self._told = sys.stderr.isatty(), time.monotonic()

    def __call__(self, trace: str, policy: str, share: float) -> None:
        text = f"{trace}: {policy} {share:4.0%}"
        if self._terminal:
            click.echo(f"\r\x1b[K{text}", nl=False, err=True)
        elif time.monotonic() - self._told >= 60:
            self._told = time.monotonic()
            click.echo(text, err=True)

    def clear(self) -> None:
        """Takes the line away."""
        if self._terminal:
            click.echo("\r\x1b[K", nl=False, err=True)
