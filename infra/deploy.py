"""Deploys a package into a region: the same code for AWS and for the local cloud.

The stages are a bucket, an upload, a change set, its execution; each finds out what is already done, so a
deployment that failed or was interrupted is simply run again, and one that changes nothing does nothing.
A dry run is the same path without the last stage.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from infra import warming
from infra.artifacts import Artifacts
from infra.calm import require_calm
from infra.cloud import Cloud, error_code, explain, is_local
from infra.foundation import foundation_stack_name
from infra.package import Package
from infra.release import DeployError, decide_parameters, release_hash, require_own_region, with_code_location
from infra.stacks import ChangePlan, Pace, Stacks, StackState, stacks_of
from infra.template import STAGES, StageSpec
from infra.template.decided import decided
from infra.template.parameters import ALARMS, DASHBOARD, RELEASE_HASH, SECRET_ID, WEBSOCKET_API
from infra.template.stage import ALIAS, API_STAGE
from infra.watching import watch_for

Log = Callable[[str], None]

_LOCAL_TRANSFORM = Lock()
"""LocalStack hands the region to the SAM transform through its own process's environment, so two regions
planned at once take each other's region, or find none. One at a time there; execution stays parallel."""

_LOCALLY: Final = {WEBSOCKET_API: "none", ALARMS: "off", DASHBOARD: "off"}
"""What stands in for AWS here has no WebSocket APIs and no dashboards, and refuses templates that want one; most
alarms would watch what it does not measure."""

__all__ = ["DeployError", "Deployment", "deploy", "deploy_regions", "plan_deployment"]


@dataclass(frozen=True)
class Deployment:
    """A stage as it stands in one region."""

    api_url: str
    """Without a trailing slash; the game's paths follow it: ``<api_url>/health``."""
    api_function_name: str
    stack_name: str
    region: str
    changed: bool
    """False when everything was already so."""


@dataclass(frozen=True)
class _Prepared:
    """Everything up to the change set, which is None when the release is already deployed."""

    stacks: Stacks
    state: StackState | None
    plan: ChangePlan | None


def deploy(
    package: Package,
    *,
    region: str,
    parameters: Mapping[str, str],
    endpoint_url: str | None,
    log: Log,
    pace: Pace | None = None,
) -> Deployment:
    """Brings ``package`` up in ``region`` with ``parameters`` (by name; see ``infra.template.parameters``).

    Parameters left out keep the stack's values, then take the template's defaults. Raises DeployError.
    """
    stage, cloud = STAGES[package.stage], Cloud(region, endpoint_url)
    try:
        prepared = _prepare(package, stage, cloud, parameters, log, pace)
        state, changed = prepared.state, False
        if prepared.plan is not None and prepared.plan.change_set_id is not None:
            verb = "creating" if prepared.plan.creates else "updating"
            log(f"{verb} stack {stage.stack_name}: {len(prepared.plan.changes)} resources to change")
            state, changed = prepared.stacks.execute(prepared.plan), True
        elif prepared.plan is None or not prepared.plan.creates:
            log(f"stack {stage.stack_name} is up to date")
        if state is None:
            raise DeployError(f"stack {stage.stack_name} has nothing to create")
        if warming.FUNCTION in package.template["Resources"]:
            warming.warm(cloud, stage.stack_name, log)
        return _deployment(cloud, stage, state, changed)
    except (BotoCoreError, ClientError) as error:
        raise DeployError(explain(error)) from error


def plan_deployment(
    package: Package,
    *,
    region: str,
    parameters: Mapping[str, str],
    endpoint_url: str | None,
    log: Log,
    pace: Pace | None = None,
) -> ChangePlan:
    """What ``deploy`` would change, without changing it; the artefacts are uploaded, which is all it leaves."""
    stage, cloud = STAGES[package.stage], Cloud(region, endpoint_url)
    try:
        prepared = _prepare(package, stage, cloud, parameters, log, pace)
        if prepared.plan is None:
            return ChangePlan(stage.stack_name, False, None)
        prepared.stacks.discard(prepared.plan)
        return prepared.plan
    except (BotoCoreError, ClientError) as error:
        raise DeployError(explain(error)) from error


def deploy_regions(
    package: Package,
    parameters_by_region: Mapping[str, Mapping[str, str]],
    *,
    endpoint_url: str | None,
    log: Log,
    pace: Pace | None = None,
) -> dict[str, Deployment]:
    """``deploy`` into several regions at once; log lines are prefixed with the region.

    A region that fails does not stop the others; DeployError then names every region that failed.
    """

    def one(region: str) -> Deployment | DeployError:
        try:
            return deploy(
                package,
                region=region,
                parameters=parameters_by_region[region],
                endpoint_url=endpoint_url,
                log=lambda line: log(f"{region}: {line}"),
                pace=pace,
            )
        except DeployError as error:
            return error

    with ThreadPoolExecutor(max_workers=max(1, len(parameters_by_region))) as pool:
        results = dict(zip(parameters_by_region, pool.map(one, parameters_by_region), strict=True))
    failures = {region: result for region, result in results.items() if isinstance(result, DeployError)}
    if failures:
        raise DeployError("\n".join(f"{region}: {error}" for region, error in failures.items()))
    return {region: result for region, result in results.items() if isinstance(result, Deployment)}


def _prepare(
    package: Package,
    stage: StageSpec,
    cloud: Cloud,
    given: Mapping[str, str],
    log: Log,
    pace: Pace | None,
) -> _Prepared:
    local = is_local(cloud.client("cloudformation").meta.endpoint_url)
    stacks = stacks_of(cloud, log, pace)
    state = stacks.prepare(stage.stack_name)
    declared = package.template["Parameters"]
    given = {**_from_foundation(stacks, stage, declared), **given}
    if local:
        given = {**{name: value for name, value in _LOCALLY.items() if name in declared}, **given}
    values = decide_parameters(
        declared,
        {} if state is None else state.parameters,
        given,
        None if state is None else _live_instances(cloud, state.outputs.get("ApiFunctionName")),
    )
    require_own_region(values, cloud.region)
    require_calm(stage, values, log)
    digest = release_hash(package.template, package.content_hash, values)
    if state is not None and state.parameters.get(RELEASE_HASH) == digest:
        return _Prepared(stacks, state, None)
    _require_secret(cloud, values[SECRET_ID], log)
    caller = cloud.client("sts").get_caller_identity()
    account = caller["Account"]
    artifacts = Artifacts(cloud, stage.name, account)
    if artifacts.ensure_bucket():
        log(f"created bucket {artifacts.bucket}")
    key, sent = artifacts.upload_package(package)
    log(f"{'uploaded' if sent else 'already uploaded:'} {key}")
    located = with_code_location(decided(package.template, values), artifacts.bucket, key)
    url = artifacts.upload_template(located, digest)
    label = f"release-{digest[:12]}-{uuid4().hex[:8]}"
    partition = caller["Arn"].split(":")[1]
    watch = None if state is None else watch_for(stacks, stage, cloud.region, account, partition)
    if watch is not None:
        log(f"{len(watch.alarm_arns)} alarms watch the change, and {watch.minutes} minutes after it: one undoes it")
    turn: AbstractContextManager[Any] = _LOCAL_TRANSFORM if local else nullcontext()
    with turn:
        plan = stacks.plan(stage.stack_name, state, url, {**values, RELEASE_HASH: digest}, label, watch)
    return _Prepared(stacks, state, plan)


def _from_foundation(stacks: Stacks, stage: StageSpec, declared: Mapping[str, Any]) -> dict[str, str]:
    """Parameters that the region's foundation has values for, once no change of it is under way."""
    state = stacks.working(foundation_stack_name(stage))
    outputs = {} if state is None else state.outputs
    return {name: value for name, value in outputs.items() if name in declared}


def _live_instances(cloud: Cloud, function_name: str | None) -> int | None:
    """Provisioned concurrency asked for on the alias now; None when there is none."""
    if function_name is None:
        return None
    try:
        found = cloud.client("lambda").get_provisioned_concurrency_config(FunctionName=function_name, Qualifier=ALIAS)
    except ClientError as error:
        if error_code(error) in ("ProvisionedConcurrencyConfigNotFoundException", "ResourceNotFoundException"):
            return None
        raise
    return int(found["RequestedProvisionedConcurrentExecutions"])


def _require_secret(cloud: Cloud, name: str, log: Log) -> None:
    """Refuses to deploy functions that could not start: a failed start holds up provisioned concurrency."""
    try:
        cloud.client("secretsmanager").describe_secret(SecretId=name)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise DeployError(
                f"secret {name} does not exist in {cloud.region}\n"
                "hint: create it with the connection strings and keys, or name another with --secret-id"
            ) from error
        if error_code(error) not in ("AccessDeniedException", "AccessDenied"):
            raise
        log(f"not permitted to look whether secret {name} exists; going on")


def _deployment(cloud: Cloud, stage: StageSpec, state: StackState, changed: bool) -> Deployment:
    endpoint = str(cloud.client("cloudformation").meta.endpoint_url)
    api_url = state.outputs["ApiUrl"]
    if is_local(endpoint):
        api_url = f"{endpoint}/_aws/execute-api/{state.outputs['RestApiId']}/{API_STAGE}"
    return Deployment(api_url, state.outputs["ApiFunctionName"], stage.stack_name, cloud.region, changed)


def describe_plan(plan: ChangePlan) -> dict[str, Any]:
    """A plan as JSON values, for people and programs."""
    return {
        "stack": plan.stack_name,
        "creates": plan.creates,
        "resources": [
            {"action": change.action, "id": change.logical_id, "type": change.resource_type} for change in plan.changes
        ],
        "parameters": {name: {"from": old, "to": new} for name, (old, new) in plan.parameters.items()},
    }
