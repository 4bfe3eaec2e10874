"""``./arena deploy``: packages a stage and brings it up in one or more regions, locally or on AWS."""

from dataclasses import asdict
from pathlib import Path

import click

from infra.cli.stack_options import print_json, progress, show_plans
from infra.cli.stack_parameters import named
from infra.deploy import DeployError, Deployment, deploy_regions, plan_deployment
from infra.package import PROJECT_ROOT, Package, PackageError, build_package
from infra.stacks import ChangePlan
from infra.template import STAGES
from infra.template.parameters import (
    ALARM_TOPIC,
    CORS_ORIGIN,
    INITDATA_MAX_AGE,
    MONGO_DATABASE,
    PUBLIC_BASE_URL,
    REDIS_MODE,
    REQUESTS_PER_MINUTE,
    SECRET_ID,
    TRUSTED_PROXIES,
)
from infra.template.stage import database_of


@click.command()
@click.option("--stage", type=click.Choice(list(STAGES)), required=True, help="Chalice stage; carries the tier.")
@click.option("--region", "regions", multiple=True, required=True, help="AWS region; repeat for several.")
@click.option("--endpoint-url", envvar="AWS_ENDPOINT_URL", default=None, help="What stands in for AWS. Default: AWS.")
@click.option("--secret-id", default=None, help="Secrets Manager secret's name. Default: aiba-arena/STAGE.")
@click.option("--mongo-database", default=None, help="Database. Default: aiba_REGION, with underscores.")
@click.option("--cors-origin", default=None, help="Allowed origins, comma separated. Required beyond dev.")
@click.option("--public-base-url", default=None, help="Address that players see.")
@click.option("--initdata-max-age", type=click.IntRange(min=0), default=None, help="Oldest sign-in accepted, seconds.")
@click.option("--redis-mode", type=click.Choice(["single", "cluster"]), default=None, help="What REDIS_URL names.")
@click.option("--trusted-proxies", default=None, help="Networks whose X-Forwarded-For counts, comma separated.")
@click.option("--requests-per-minute", type=click.IntRange(min=1), default=None, help="Most from one address.")
@click.option("--alarm-topic", "alarm_topics", multiple=True, help="SNS topic's ARN alarms go to; one for each region.")
@click.option("--parameter", "given", multiple=True, metavar="NAME=VALUE", help="Any other parameter of the stack.")
@click.option("--build-dir", type=click.Path(path_type=Path), default=PROJECT_ROOT / ".arena/build", show_default=False)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing but uploads.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; progress goes to standard error.")
def command(
    stage: str,
    regions: tuple[str, ...],
    endpoint_url: str | None,
    secret_id: str | None,
    mongo_database: str | None,
    cors_origin: str | None,
    public_base_url: str | None,
    initdata_max_age: int | None,
    redis_mode: str | None,
    trusted_proxies: str | None,
    requests_per_minute: int | None,
    alarm_topics: tuple[str, ...],
    given: tuple[str, ...],
    build_dir: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Deploy STAGE into each REGION. Running it again without a change does nothing.

    Options that are left out keep what the stack has. The number of warm instances is not an option: the
    first deployment takes the tier's, afterwards it belongs to the scaling controller. Groups of routes that
    separate_functions of the stage names in .chalice/config.json get functions of their own.
    """
    shared = {
        SECRET_ID: secret_id,
        CORS_ORIGIN: cors_origin,
        PUBLIC_BASE_URL: public_base_url,
        INITDATA_MAX_AGE: None if initdata_max_age is None else str(initdata_max_age),
        REDIS_MODE: redis_mode,
        TRUSTED_PROXIES: trusted_proxies,
        REQUESTS_PER_MINUTE: None if requests_per_minute is None else str(requests_per_minute),
    }
    chosen = {**named(given), **{name: value for name, value in shared.items() if value is not None}}
    topics = _by_region(alarm_topics, regions)
    parameters = {
        region: {
            **chosen,
            **({ALARM_TOPIC: topics[region]} if region in topics else {}),
            MONGO_DATABASE: mongo_database or database_of(region),
        }
        for region in regions
    }
    try:
        package = build_package(stage, build_dir, progress)
        if dry_run:
            show_plans(_plans(package, parameters, endpoint_url), as_json=as_json)
        else:
            _show_deployments(deploy_regions(package, parameters, endpoint_url=endpoint_url, log=progress), as_json)
    except (PackageError, DeployError) as error:
        raise click.ClickException(str(error)) from error


def _by_region(topics: tuple[str, ...], regions: tuple[str, ...]) -> dict[str, str]:
    """Topics by the region their ARN names: CloudWatch notifies within a region only."""
    found = {}
    for topic in topics:
        parts = topic.split(":")
        if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sns" or parts[3] not in regions:
            raise click.BadParameter(
                f"{topic!r} is not the ARN of an SNS topic in {' or '.join(regions)}", param_hint="--alarm-topic"
            )
        found[parts[3]] = topic
    return found


def _plans(package: Package, parameters: dict[str, dict[str, str]], endpoint_url: str | None) -> dict[str, ChangePlan]:
    return {
        region: plan_deployment(
            package, region=region, parameters=parameters[region], endpoint_url=endpoint_url, log=progress
        )
        for region in parameters
    }


def _show_deployments(deployments: dict[str, Deployment], as_json: bool) -> None:
    if as_json:
        print_json({region: asdict(deployment) for region, deployment in deployments.items()})
        return
    for region, deployment in deployments.items():
        click.echo(f"{region}: {'deployed' if deployment.changed else 'unchanged'}: {deployment.api_url}")
