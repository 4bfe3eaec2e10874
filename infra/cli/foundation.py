"""``./arena foundation``: the stack below the arena's in each region."""

import json

import click

from infra.cli.stack_options import bring_up, show_states, stack_options, stage_option
from infra.cli.stack_parameters import named
from infra.cloud import Cloud
from infra.foundation import build_foundation, foundation_stack
from infra.release import DeployError
from infra.template import STAGES


@click.group()
def command() -> None:
    """Network, keys, cache, firewall, certificate and backups of a region, which outlive releases."""


@command.command()
@stack_options
@click.option("--region", "regions", multiple=True, required=True, help="AWS region; repeat for several.")
def deploy(
    stage: str,
    endpoint_url: str | None,
    given: tuple[str, ...],
    regions: tuple[str, ...],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Deploy a stage's foundation into each REGION; before the stage itself, which takes its outputs.

    Running it again without a change does nothing. Creating a production cache takes a quarter of an hour.
    """
    stack, values = foundation_stack(STAGES[stage]), named(given)
    try:
        clouds = [Cloud(name, endpoint_url) for name in regions]
        show_states(bring_up(stack, clouds, values, dry_run=dry_run, as_json=as_json), as_json=as_json)
    except DeployError as error:
        raise click.ClickException(str(error)) from error


@command.command()
@stage_option
def render(stage: str) -> None:
    """Print the foundation's template."""
    click.echo(json.dumps(build_foundation(STAGES[stage]), indent=1))
