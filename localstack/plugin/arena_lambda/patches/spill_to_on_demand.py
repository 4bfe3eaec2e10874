"""Fault: a request fails when provisioned environments are configured but none is ready yet, and when another
thread starts an environment while this one looks through them ("dictionary changed size during iteration").

Now: such a request spills to on-demand, as Lambda's do, and the search works on a copy.
"""

import contextlib
from collections.abc import Callable, Iterator

from localstack.services.lambda_.invocation.assignment import AssignmentService
from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment, InvalidStatusException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InitializationType

from arena_lambda.patches.replacing import replace
from arena_lambda.underway import UNDERWAY


def apply() -> None:
    """Replace the choice of an environment."""
    replace(AssignmentService, "get_environment", _build)


def _build(_: Callable[..., object]) -> Callable[..., object]:
    @contextlib.contextmanager
    def get_environment(
        self: AssignmentService,
        version_manager_id: str,
        function_version: FunctionVersion,
        provisioning_type: InitializationType,
    ) -> Iterator[ExecutionEnvironment]:
        environment = _reserve_idle(self, version_manager_id, provisioning_type)
        if environment is None and provisioning_type == InitializationType.provisioned_concurrency:
            environment = _reserve_idle(self, version_manager_id, InitializationType.on_demand)
        UNDERWAY.has_looked()
        if environment is None:
            environment = self.start_environment(version_manager_id, function_version)
            # Reserved before anyone can see it.
            environment.reserve()
            self.environments[version_manager_id][environment.id] = environment
        try:
            yield environment
        except Exception:
            self.stop_environment(environment)
            raise
        # The environment may have been stopped meanwhile (its version was deleted); the answer stands.
        with contextlib.suppress(InvalidStatusException):
            environment.release()

    return get_environment


def _reserve_idle(
    assignment: AssignmentService, version_manager_id: str, provisioning_type: InitializationType
) -> ExecutionEnvironment | None:
    for environment in list(assignment.environments[version_manager_id].values()):
        if environment.initialization_type != provisioning_type:
            continue
        with contextlib.suppress(InvalidStatusException):
            environment.reserve()
            return environment
    return None
