"""Provisioned concurrency of one function version: how many environments there are and should be."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from localstack.aws.api.lambda_ import ProvisionedConcurrencyStatusEnum
from localstack.services.lambda_.invocation.assignment import AssignmentService
from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment, RuntimeStatus
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InitializationType

from arena_lambda.draining import drain, is_draining

_ALIVE = (RuntimeStatus.INACTIVE, RuntimeStatus.STARTING, RuntimeStatus.READY, RuntimeStatus.INVOKING)
_USABLE = (RuntimeStatus.READY, RuntimeStatus.INVOKING)
_COMING = (RuntimeStatus.INACTIVE, RuntimeStatus.STARTING)
# Two operations on one version must not both count the same environments.
_SCALING_LOCK = threading.Lock()


def provisioned_environments(assignment: AssignmentService, version_manager_id: str) -> list[ExecutionEnvironment]:
    """The version's provisioned environments, without those on their way out."""
    return [
        environment
        for environment in list(assignment.environments[version_manager_id].values())
        if environment.initialization_type == InitializationType.provisioned_concurrency
        and environment.status in _ALIVE
        and not is_draining(environment)
    ]


def scale_by_difference(
    assignment: AssignmentService, version_manager_id: str, function_version: FunctionVersion, target: int
) -> list[Future[None]]:
    """Start or drain as many environments as are missing or too many; a future for each change."""
    with _SCALING_LOCK:
        current = provisioned_environments(assignment, version_manager_id)
        surplus = sorted(current, key=lambda environment: environment.status == RuntimeStatus.INVOKING)
        changes = [drain(assignment, environment) for environment in surplus[: max(0, len(current) - target)]]
        for _ in range(target - len(current)):
            changes.append(_start_one(assignment, version_manager_id, function_version))
    return changes


@dataclass
class ProvisionedState:
    """What GetProvisionedConcurrencyConfig says, read from the environments themselves at every call.

    ``changes`` are the starts and stops of the latest update.
    """

    assignment: AssignmentService
    version_manager_id: str
    target: int
    changes: Sequence[Future[None]] = field(default_factory=list)

    @property
    def allocated(self) -> int:
        """Environments that exist, ready or starting."""
        return len(provisioned_environments(self.assignment, self.version_manager_id))

    @property
    def available(self) -> int:
        """Environments that can take an invocation, or are running one."""
        current = provisioned_environments(self.assignment, self.version_manager_id)
        return sum(environment.status in _USABLE for environment in current)

    @property
    def status(self) -> ProvisionedConcurrencyStatusEnum:
        """IN_PROGRESS while the latest update still starts or stops, or what it keeps of an earlier one still starts;
        FAILED when a start did not succeed."""
        changed = all(change.done() for change in self.changes)
        current = [one.status for one in provisioned_environments(self.assignment, self.version_manager_id)]
        if not changed or any(status in _COMING for status in current):
            return ProvisionedConcurrencyStatusEnum.IN_PROGRESS
        if sum(status in _USABLE for status in current) < self.target:
            return ProvisionedConcurrencyStatusEnum.FAILED
        return ProvisionedConcurrencyStatusEnum.READY

    @property
    def status_reason(self) -> str | None:
        """Why it failed."""
        if self.status == ProvisionedConcurrencyStatusEnum.FAILED:
            return "FUNCTION_ERROR_INIT_FAILURE"
        return None


def _start_one(
    assignment: AssignmentService, version_manager_id: str, function_version: FunctionVersion
) -> Future[None]:
    environment = ExecutionEnvironment(
        function_version=function_version,
        initialization_type=InitializationType.provisioned_concurrency,
        on_timeout=assignment.on_timeout,
        version_manager_id=version_manager_id,
    )
    assignment.environments[version_manager_id][environment.id] = environment

    def forget_failed(start: Future[None]) -> None:
        if start.cancelled() or start.exception() is not None:
            assignment.environments[version_manager_id].pop(environment.id, None)

    start = assignment.provisioning_pool.submit(environment.start)
    start.add_done_callback(forget_failed)
    return start
