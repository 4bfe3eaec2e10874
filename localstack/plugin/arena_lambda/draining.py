"""Ends a Lambda environment without cutting an invocation short.

LocalStack's own ``stop`` may be called at any moment; if it falls between the moment an environment is reserved
and the moment it is invoked, that request fails. Draining waits for the environment to be free, under the same
lock that reserves it:

    ready      -> no longer reservable -> stopped
    invoking   -> (its release)        -> no longer reservable -> stopped
    starting   -> (its start ends)     -> no longer reservable -> stopped
    inactive   -> never started
"""

import logging
import threading
from concurrent.futures import Future
from typing import Protocol

from localstack.services.lambda_.invocation.execution_environment import (
    ExecutionEnvironment,
    InvalidStatusException,
    RuntimeStatus,
)

LOG = logging.getLogger(__name__)

_DRAINED = "_arena_drained"


class EnvironmentOwner(Protocol):
    """LocalStack's assignment service: which environments exist, by version manager and id."""

    environments: dict[str, dict[str, ExecutionEnvironment]]


def is_draining(environment: ExecutionEnvironment) -> bool:
    """Whether ``drain`` was called for it."""
    return hasattr(environment, _DRAINED)


def drain(owner: EnvironmentOwner, environment: ExecutionEnvironment) -> Future[None]:
    """Stop ``environment`` as soon as it is free; the future is done when it is gone. Idempotent."""
    with environment.status_lock:
        drained: Future[None] | None = getattr(environment, _DRAINED, None)
        if drained is not None:
            return drained
        drained = Future()
        setattr(environment, _DRAINED, drained)
        drained.add_done_callback(lambda _: _forget(owner, environment))
        if environment.status == RuntimeStatus.INACTIVE:
            environment.status = RuntimeStatus.STOPPED
            drained.set_result(None)
        elif environment.status == RuntimeStatus.READY:
            retire_if_draining(environment)
        elif environment.status not in (RuntimeStatus.INVOKING, RuntimeStatus.STARTING):
            drained.set_result(None)
    return drained


def retire_if_draining(environment: ExecutionEnvironment) -> None:
    """Begin stopping a free environment that is to be drained; called whenever one becomes free."""
    with environment.status_lock:
        if not is_draining(environment) or environment.status != RuntimeStatus.READY:
            return
        # The state LocalStack itself uses so that nobody reserves an environment about to be stopped.
        environment.status = RuntimeStatus.TIMING_OUT
    threading.Thread(target=_stop, args=(environment,), name=f"drain-{environment.id}", daemon=True).start()


def mark_drained(environment: ExecutionEnvironment) -> None:
    """Resolve the future of a drained environment that ended, by whatever way."""
    drained: Future[None] | None = getattr(environment, _DRAINED, None)
    if drained is not None and not drained.done():
        drained.set_result(None)


def _stop(environment: ExecutionEnvironment) -> None:
    try:
        environment.stop()
    except InvalidStatusException as error:
        LOG.debug("Environment %s was stopped by another: %s", environment.id, error)
    finally:
        mark_drained(environment)


def _forget(owner: EnvironmentOwner, environment: ExecutionEnvironment) -> None:
    owner.environments.get(environment.version_manager_id, {}).pop(environment.id, None)
