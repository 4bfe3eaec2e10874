"""``./arena atlas``: the databases of a stage on MongoDB Atlas."""

import json

import click

from infra.atlas import atlas_stack, build_atlas
from infra.atlas.build import ATLAS_REGION
from infra.cli.stack_options import bring_up, show_states, stack_options, stage_option
from infra.cli.stack_parameters import named
from infra.cloud import Cloud
from infra.release import DeployError
from infra.template import STAGES

_REGIONS_HELP = "A region with a database; repeat for all of them."


@click.group()
def command() -> None:
    """MongoDB Atlas: a cluster for each region, with users, private endpoint and backups."""


@command.command()
@stack_options
@click.option("--region", "regions", multiple=True, required=True, help=_REGIONS_HELP)
def deploy(
    stage: str,
    endpoint_url: str | None,
    given: tuple[str, ...],
    regions: tuple[str, ...],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Deploy the databases of all REGIONs: once, from one place.

    Atlas's resource types must be active in CloudFormation's registry, and AtlasOrganisationId given with --parameter
    the first time. A cluster takes about ten minutes.
    """
    stack, cloud, values = atlas_stack(STAGES[stage], regions), Cloud(ATLAS_REGION, endpoint_url), named(given)
    try:
        show_states(bring_up(stack, [cloud], values, dry_run=dry_run, as_json=as_json), as_json=as_json)
    except DeployError as error:
        raise click.ClickException(str(error)) from error


@command.command()
@stage_option
@click.option("--region", "regions", multiple=True, required=True, help=_REGIONS_HELP)
def render(stage: str, regions: tuple[str, ...]) -> None:
    """Print the databases' template."""
    click.echo(json.dumps(build_atlas(STAGES[stage], regions), indent=1))
