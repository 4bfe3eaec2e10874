"""``./arena shard``: collections over the shards of one region's cluster."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
from bson import json_util

from infra.cli.databases import opened
from infra.cli.databases import options as database_options
from infra.cli.shard_analyze import command as analyze_command
from infra.sharding.cluster import Applied, apply, planned
from infra.sharding.status import CollectionStatus, Status, status
from infra.sharding.steps import Plan, Step, Wanted


@click.group()
def command() -> None:
    """Spread collections over shards: plan, analyze, apply, look. docs/sharding.md says by which keys, and why."""


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
        click.option(
            "--region", envvar="AWS_REGION", default="us-east-1", show_default=True, help="Whose cluster; names zones."
        ),
    ):
        function = option(function)
    return database_options(function)


_any_version = click.option(
    "--any-version", is_flag=True, help="Also on servers before 8.0, from which no battle can be served then."
)


@command.command("plan")
@_any_version
@_options
def plan_command(mongo_uri: str, database: str, region: str, any_version: bool, as_json: bool) -> None:
    """Print the commands that are left until the cluster is as planned, in their order. Changes nothing.

    Exits with 1 when something stands in their way.
    """
    with opened(mongo_uri) as client:
        found = planned(client, Wanted(database=database, region=region, any_version=any_version))
    if as_json:
        click.echo(_json({"steps": list(map(_step_data, found.steps)), "blockers": found.blockers}))
    else:
        click.echo("\n".join(_plan_lines(found)))
    if found.blockers:
        raise SystemExit(1)


@command.command("apply")
@_any_version
@_options
def apply_command(mongo_uri: str, database: str, region: str, any_version: bool, as_json: bool) -> None:
    """Carry the plan out, step by step, each checked against what the cluster has by then.

    Safe to repeat and to interrupt: the next run does what is left. Exits with 1 when something is left.
    """

    def say(step: Step, left: int) -> None:
        click.echo(f"{left:3} left: {step.shell}", err=as_json)
        sys.stdout.flush()

    with opened(mongo_uri) as client:
        result = apply(client, Wanted(database=database, region=region, any_version=any_version), before=say)
    if as_json:
        click.echo(_json(_applied_data(result)))
    else:
        click.echo("\n".join(_applied_lines(result)))
    if not result.complete:
        raise SystemExit(1)


@command.command("status")
@_options
def status_command(mongo_uri: str, database: str, region: str, as_json: bool) -> None:
    """Show shards, zones, chunks, sizes, the balancer. Exits with 1 when anything is not as planned."""
    with opened(mongo_uri) as client:
        # Whether it can serve was asked before it was sharded.
        found = status(client, Wanted(database=database, region=region, any_version=True))
    click.echo(_json(found.data()) if as_json else "\n".join(_status_lines(found)))
    if found.wrong:
        raise SystemExit(1)


def _json(data: Any) -> str:
    return json.dumps(json.loads(json_util.dumps(data, json_options=json_util.RELAXED_JSON_OPTIONS)), indent=2)


def _step_data(step: Step) -> dict[str, Any]:
    return {"database": step.database, "command": step.command, "why": step.why, "shell": step.shell}


def _applied_data(result: Applied) -> dict[str, Any]:
    steps = {"done": list(map(_step_data, result.done)), "left": list(map(_step_data, result.left))}
    return {**steps, "blockers": result.blockers, "failure": result.failure, "complete": result.complete}


def _plan_lines(found: Plan) -> Iterator[str]:
    for step in found.steps:
        yield f"// {step.why}"
        yield step.shell
    if not found.steps and not found.blockers:
        yield "nothing is left to do"
    for blocker in found.blockers:
        yield f"IN THE WAY: {blocker}"


def _applied_lines(result: Applied) -> Iterator[str]:
    yield f"{len(result.done)} steps done, {len(result.left)} left"
    for blocker in result.blockers:
        yield f"IN THE WAY: {blocker}"
    if result.failure:
        yield f"FAILED: {result.failure}"


def _status_lines(found: Status) -> Iterator[str]:
    for shard, zones in sorted(found.shards.items()):
        yield f"{shard}: {', '.join(zones) or 'no zone'}"
    yield f"balancer: {found.balancer}"
    for one in found.collections:
        yield f"{one.collection} by {json.dumps(one.key)}"
        yield from (_shard_line(one, shard) for shard in one.shards)
    yield from (f"NOT AS PLANNED: {wrong}" for wrong in found.wrong)


def _shard_line(one: CollectionStatus, shard: str) -> str:
    held, share = one.shards[shard], one.share(shard)
    sized = "" if held.documents is None else f", {held.documents:,} documents"
    shared = "" if share is None else f", {share:.0%} of the bytes"
    jumbo = f", {held.jumbo} of them jumbo" if held.jumbo else ""
    return f"  {shard}: {held.chunks} chunks{jumbo}{sized}{shared}"


command.add_command(analyze_command)
