"""``./arena world``: names that lead to the nearest healthy region, and CloudFront."""

import json

import click

from infra.cli.stack_options import bring_up, progress, show_states, stack_options, stage_option
from infra.cli.stack_parameters import named
from infra.cloud import Cloud
from infra.plain_stack import PlainStack, outputs_of
from infra.release import DeployError
from infra.template import STAGES
from infra.world import RegionEnd, build_world
from infra.world.build import WORLD_REGION, NotNamed, world_stack_name
from infra.world.static import upload_static

_REGIONS_HELP = "A region the stage is deployed in; repeat for all of them."


@click.group()
def command() -> None:
    """What stands above all regions: DNS with health checks and failover, and CloudFront."""


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
    """Deploy the global stack, once for a stage, after the stage itself is deployed in every REGION.

    DomainName and HostedZoneId are given with --parameter the first time.
    """
    spec = STAGES[stage]
    stack = PlainStack(world_stack_name(spec), spec, build_world(spec, regions))
    cloud = Cloud(WORLD_REGION, endpoint_url)
    try:
        values = named(given)
        for region in regions:
            end = RegionEnd(region, outputs_of(Cloud(region, endpoint_url), spec.stack_name, progress))
            values = {**end.parameters(), **values}
        states = bring_up(stack, [cloud], values, dry_run=dry_run, as_json=as_json)
        for state, _ in states.values():
            for name in upload_static(cloud, state.outputs["StaticBucket"]):
                progress(f"uploaded {name}")
        show_states(states, as_json=as_json)
    except (DeployError, NotNamed) as error:
        raise click.ClickException(str(error)) from error


@command.command()
@stage_option
@click.option("--region", "regions", multiple=True, required=True, help=_REGIONS_HELP)
def render(stage: str, regions: tuple[str, ...]) -> None:
    """Print the global stack's template."""
    click.echo(json.dumps(build_world(STAGES[stage], regions), indent=1))
