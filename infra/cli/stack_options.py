"""What commands that deploy a plain stack share: options, the plan, the outcome."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from infra.cloud import Cloud
from infra.deploy import describe_plan
from infra.plain_stack import PlainStack, deploy_stack, plan_stack
from infra.stacks import ChangePlan, StackState
from infra.template import STAGES

MARKS = {"created": "+", "modified": "~", "replaced": "!", "removed": "-"}


stage_option = click.option(
    "--stage", type=click.Choice(list(STAGES)), required=True, help="Chalice stage; has the tier."
)


def stack_options(function: Callable[..., None]) -> Callable[..., None]:
    """``--stage``, ``--endpoint-url``, ``--parameter``, ``--dry-run``, ``--json``."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing but uploads."),
        click.option("--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the stack."),
        click.option("--endpoint-url", envvar="AWS_ENDPOINT_URL", default=None, help="What stands in for AWS."),
        stage_option,
    ):
        function = option(function)
    return function


def progress(line: str) -> None:
    """To standard error: standard output is for results."""
    click.echo(line, err=True)


def plan_lines(region: str, plan: ChangePlan) -> list[str]:
    """A plan for people."""
    if plan.change_set_id is None:
        return [f"{region}: {plan.stack_name}: nothing to change"]
    return [
        f"{region}: {plan.stack_name}: {'would be created' if plan.creates else 'would change'}",
        *(f"  {MARKS[one.action]} {one.action:<9} {one.resource_type:<32} {one.logical_id}" for one in plan.changes),
        *(
            f"    {name}: {'(unset)' if old is None else repr(old)} -> {new!r}"
            for name, (old, new) in plan.parameters.items()
        ),
    ]


def show_plans(plans: dict[str, ChangePlan], *, as_json: bool) -> None:
    """Plans by region."""
    if as_json:
        print_json({region: describe_plan(plan) for region, plan in plans.items()})
        return
    for region, plan in plans.items():
        click.echo("\n".join(plan_lines(region, plan)))


def bring_up(
    stack: PlainStack, clouds: Sequence[Cloud], given: Mapping[str, str], *, dry_run: bool, as_json: bool
) -> dict[str, tuple[StackState, bool]]:
    """``stack`` in each region, as ``deploy_stack`` has it; a dry run shows the plans and brings up none.

    Raises DeployError.
    """
    if not dry_run:
        return {cloud.region: deploy_stack(stack, cloud, given, progress) for cloud in clouds}
    show_plans({cloud.region: plan_stack(stack, cloud, given, progress) for cloud in clouds}, as_json=as_json)
    return {}


def show_states(states: dict[str, tuple[StackState, bool]], *, as_json: bool) -> None:
    """Stacks by region, as they are now; nothing of none."""
    if not states:
        return
    if as_json:
        told = {region: {"changed": changed, **state.outputs} for region, (state, changed) in states.items()}
        print_json(told)
        return
    for region, (state, changed) in states.items():
        click.echo(f"{region}: {'deployed' if changed else 'unchanged'}")
        for name, value in sorted(state.outputs.items()):
            click.echo(f"  {name} = {value}")


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
