"""Fault: an invocation counts against provisioned concurrency only if the *first* alias of its version has it, so a
second alias turns every start cold; and a function created meanwhile fails the request ("dictionary changed size").

Now: any alias of the version counts, and the account's concurrency is summed over a copy.
"""

import contextlib
from collections.abc import Callable, Iterator
from threading import RLock

from localstack import config
from localstack.aws.api.lambda_ import TooManyRequestsException
from localstack.services.lambda_.invocation.counting_service import (
    ConcurrencyTracker,
    CountingService,
    calculate_provisioned_concurrency_sum,
)
from localstack.services.lambda_.invocation.lambda_models import Function, FunctionVersion, InitializationType
from localstack.services.lambda_.invocation.models import lambda_stores

from arena_lambda.patches.alias_follows import left_behind
from arena_lambda.patches.replacing import replace

_Trackers = dict[tuple[str, str], ConcurrencyTracker]


def apply() -> None:
    """Replace the granting of leases."""
    replace(CountingService, "get_invocation_lease", _build)


def _build(_: Callable[..., object]) -> Callable[..., object]:
    @contextlib.contextmanager
    def get_invocation_lease(
        self: CountingService, function: Function | None, function_version: FunctionVersion
    ) -> Iterator[InitializationType]:
        scope = (function_version.id.account, function_version.id.region)
        provisioned = _tracker(self.provisioned_concurrency_trackers, self.provisioned_concurrency_init_lock, scope)
        qualified = function_version.id.qualified_arn()
        if function is not None and _take_provisioned(provisioned, function, function_version, qualified):
            try:
                yield InitializationType.provisioned_concurrency
            finally:
                provisioned.atomic_decrement(qualified)
            return
        on_demand = _tracker(self.on_demand_concurrency_trackers, self.on_demand_init_lock, scope)
        unqualified = function_version.id.unqualified_arn()
        with on_demand.lock:
            if _free_on_demand(on_demand, function, scope, unqualified) <= 0:
                raise TooManyRequestsException(
                    "Rate Exceeded.", Reason="ReservedFunctionConcurrentInvocationLimitExceeded", Type="User"
                )
            on_demand.increment(unqualified)
        try:
            yield InitializationType.on_demand
        finally:
            on_demand.atomic_decrement(unqualified)

    return get_invocation_lease


def _tracker(trackers: _Trackers, lock: RLock, scope: tuple[str, str]) -> ConcurrencyTracker:
    with lock:
        return trackers.setdefault(scope, ConcurrencyTracker())


def _take_provisioned(
    tracker: ConcurrencyTracker, function: Function, version: FunctionVersion, qualified: str
) -> bool:
    names = [version.id.qualifier]
    names += [alias.name for alias in list(function.aliases.values()) if alias.function_version == names[0]]
    configured = [function.provisioned_concurrency_configs.get(name) for name in names]
    # A version has one configuration at most: its own or that of one alias.
    limit = sum(one.provisioned_concurrent_executions for one in configured if one is not None)
    limit = max(limit, left_behind(function, version.id.qualifier))
    with tracker.lock:
        if tracker.concurrent_executions[qualified] >= limit:
            return False
        tracker.increment(qualified)
        return True


def _free_on_demand(
    tracker: ConcurrencyTracker, function: Function | None, scope: tuple[str, str], unqualified: str
) -> int:
    """How many more on-demand invocations the function's reservation, or else the account's limit, allows."""
    if function is not None and function.reserved_concurrent_executions is not None:
        provisioned = calculate_provisioned_concurrency_sum(function)
        running = tracker.concurrent_executions[unqualified]
        return int(function.reserved_concurrent_executions - provisioned - running)
    account, region = scope
    used = sum(_claimed(tracker, one) for one in list(lambda_stores[account][region].functions.values()))
    return int(config.LAMBDA_LIMITS_CONCURRENT_EXECUTIONS - used)


def _claimed(tracker: ConcurrencyTracker, function: Function) -> int:
    if function.reserved_concurrent_executions is not None:
        return int(function.reserved_concurrent_executions)
    running = tracker.concurrent_executions[function.latest().id.unqualified_arn()]
    return int(calculate_provisioned_concurrency_sum(function) + running)
