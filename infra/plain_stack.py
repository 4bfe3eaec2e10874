"""Deploys a stack that is a template and parameters alone: the foundation, the names and the edge, the database."""

import json
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from infra.artifacts import Artifacts
from infra.cloud import Cloud, explain
from infra.release import DeployError, decide_parameters
from infra.stacks import ChangePlan, Log, Stacks, StackState, stacks_of
from infra.template.stage import StageSpec


@dataclass(frozen=True, slots=True)
class PlainStack:
    """What is to be deployed."""

    name: str
    stage: StageSpec
    template: Mapping[str, Any]


def plan_stack(stack: PlainStack, cloud: Cloud, given: Mapping[str, str], log: Log) -> ChangePlan:
    """What ``deploy_stack`` would change; nothing is left but the uploaded template. Raises DeployError."""
    with _explained():
        stacks, _, plan = _planned(stack, cloud, given, log)
        stacks.discard(plan)
        return plan


def deploy_stack(stack: PlainStack, cloud: Cloud, given: Mapping[str, str], log: Log) -> tuple[StackState, bool]:
    """Brings ``stack`` up to date; its state, and whether it changed. Parameters left out keep what the stack has, then
    take the template's defaults. Raises DeployError."""
    with _explained():
        stacks, state, plan = _planned(stack, cloud, given, log)
        if plan.change_set_id is not None:
            log(f"{'creating' if plan.creates else 'updating'} stack {stack.name}: {len(plan.changes)} resources")
            return stacks.execute(plan), True
        if state is None:
            raise DeployError(f"stack {stack.name} has nothing to create")
        log(f"stack {stack.name} is up to date")
        return state, False


def outputs_of(cloud: Cloud, name: str, log: Log) -> dict[str, str]:
    """Of a stack that works, once no change of it is under way; empty where there is none. Raises DeployError."""
    with _explained():
        state = stacks_of(cloud, log).working(name)
    return {} if state is None else state.outputs


def _planned(
    stack: PlainStack, cloud: Cloud, given: Mapping[str, str], log: Log
) -> tuple[Stacks, StackState | None, ChangePlan]:
    stacks = stacks_of(cloud, log)
    state = stacks.prepare(stack.name)
    template = dict(stack.template)
    values = decide_parameters(template["Parameters"], {} if state is None else state.parameters, given, None)
    artifacts = Artifacts(cloud, stack.stage.name, cloud.client("sts").get_caller_identity()["Account"])
    if artifacts.ensure_bucket():
        log(f"created bucket {artifacts.bucket}")
    digest = sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
    url = artifacts.upload_template(template, digest)
    label = f"change-{digest[:12]}-{uuid4().hex[:8]}"
    return stacks, state, stacks.plan(stack.name, state, url, values, label)


@contextmanager
def _explained() -> Any:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DeployError(explain(error)) from error
