"""Fault: every change of provisioned concurrency starts all environments anew and stops all old ones.

Now: only the difference is started or stopped.
"""

from collections.abc import Callable
from concurrent.futures import Future

from localstack.services.lambda_.invocation.assignment import AssignmentService
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion

from arena_lambda import provisioning
from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Replace the scaling of one version's provisioned environments."""
    replace(AssignmentService, "scale_provisioned_concurrency", _build)


def _build(_: Callable[..., object]) -> Callable[..., object]:
    def scale_provisioned_concurrency(
        self: AssignmentService,
        version_manager_id: str,
        function_version: FunctionVersion,
        target_provisioned_environments: int,
    ) -> list[Future[None]]:
        return provisioning.scale_by_difference(
            self, version_manager_id, function_version, target_provisioned_environments
        )

    return scale_provisioned_concurrency
