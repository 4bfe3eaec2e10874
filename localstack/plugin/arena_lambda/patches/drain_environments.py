"""Fault: stopping an environment that was just reserved fails that request, and every stop logs an error.

Now: an environment to be stopped finishes what it runs and takes nothing new (see ``arena_lambda.draining``).
"""

from collections.abc import Callable
from typing import Any

from localstack.services.lambda_.invocation.assignment import AssignmentService
from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment

from arena_lambda.draining import drain, mark_drained, retire_if_draining
from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Hook every moment an environment becomes free, and drain a version's environments side by side."""
    replace(ExecutionEnvironment, "release", _build_release)
    replace(ExecutionEnvironment, "start", _build_start)
    replace(ExecutionEnvironment, "stop", _build_stop)
    replace(AssignmentService, "stop_environments_for_version", _build_stop_all)


def _build_release(original: Callable[..., None]) -> Callable[..., None]:
    def release(self: ExecutionEnvironment) -> None:
        with self.status_lock:
            original(self)
            retire_if_draining(self)

    return release


def _build_start(original: Callable[..., None]) -> Callable[..., None]:
    def start(self: ExecutionEnvironment) -> None:
        try:
            original(self)
        except BaseException:
            mark_drained(self)
            raise
        retire_if_draining(self)

    return start


def _build_stop(original: Callable[..., None]) -> Callable[..., None]:
    def stop(self: ExecutionEnvironment) -> None:
        try:
            original(self)
        finally:
            mark_drained(self)

    return stop


def _build_stop_all(_: Callable[..., None]) -> Callable[..., None]:
    def stop_environments_for_version(self: AssignmentService, version_manager_id: str) -> None:
        environments: list[Any] = list(self.environments.get(version_manager_id, {}).values())
        for drained in [drain(self, environment) for environment in environments]:
            drained.result()

    return stop_environments_for_version
