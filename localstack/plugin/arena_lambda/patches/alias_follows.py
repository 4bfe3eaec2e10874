"""Fault: moving an alias stops the provisioned environments of the old version first, waits four seconds at most,
then starts those of the new one; meanwhile every request fails or starts cold.

Now: the new version is warmed while the alias still points to the old one, then the alias moves, then the old
version is drained, once whoever read the alias before has looked for an environment. If warming fails or takes too long
the alias moves all the same, as Lambda's does.
"""

import concurrent.futures
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from localstack.services.lambda_ import api_utils
from localstack.services.lambda_.invocation.lambda_models import Function, VersionAlias
from localstack.services.lambda_.invocation.lambda_service import LambdaService
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.services.lambda_.provider import LambdaProvider

from arena_lambda.patches.replacing import replace
from arena_lambda.underway import UNDERWAY

LOG = logging.getLogger(__name__)

# Below the minute after which LocalStack's own clients (CloudFormation's) give up on the call.
WARMING_SECONDS = 45.0
# To look for an environment takes milliseconds: whoever takes longer than this is not waited for.
LOOKING_SECONDS = 10.0
_LEFT = "_arena_left"


def apply() -> None:
    """Warm before the API moves the alias, drain after."""
    replace(LambdaProvider, "update_alias", _build_provider_update)
    replace(LambdaService, "update_alias", _build_service_update)
    replace(LambdaService, "invoke", _build_invoke)


def left_behind(function: Function, version: str) -> int:
    """How many environments an alias that moves leaves to those who still come for ``version``."""
    left: list[tuple[str, int]] = list(getattr(function, _LEFT, ()))
    return max((count for one, count in left if one == version), default=0)


def _build_provider_update(original: Callable[..., Any]) -> Callable[..., Any]:
    def update_alias(self: LambdaProvider, context: Any, function_name: str, name: str, **kwargs: Any) -> Any:
        account_id, region = api_utils.get_account_and_region(function_name, context)
        function = lambda_stores[account_id][region].functions.get(api_utils.get_function_name(function_name, context))
        if function is None:
            return original(self, context=context, function_name=function_name, name=name, **kwargs)
        _warm(self.lambda_service, function, name, kwargs.get("function_version"))
        with _leaving(function, name):
            return original(self, context=context, function_name=function_name, name=name, **kwargs)

    return update_alias


def _build_service_update(_: Callable[..., Any]) -> Callable[..., Any]:
    def update_alias(self: LambdaService, old_alias: VersionAlias, new_alias: VersionAlias, function: Function) -> None:
        if old_alias.function_version == new_alias.function_version:
            return
        configured = function.provisioned_concurrency_configs.get(new_alias.name)
        if configured is None:
            return
        # The number may have changed while the new version was being warmed.
        _scale(self, function, new_alias.function_version, configured.provisioned_concurrent_executions)
        if not _still_provisioned(function, old_alias.function_version):
            if not UNDERWAY.wait(LOOKING_SECONDS):
                LOG.warning("Version %s of %s is drained under way", old_alias.function_version, function.function_name)
            _scale(self, function, old_alias.function_version, 0)

    return update_alias


def _build_invoke(original: Callable[..., Any]) -> Callable[..., Any]:
    def invoke(self: LambdaService, *args: Any, **kwargs: Any) -> Any:
        with UNDERWAY.invocation():
            return original(self, *args, **kwargs)

    return invoke


@contextmanager
def _leaving(function: Function, alias_name: str) -> Iterator[None]:
    """Inside: the version the alias points to now keeps its number, wherever the alias points to by then."""
    alias, configured = function.aliases.get(alias_name), function.provisioned_concurrency_configs.get(alias_name)
    if alias is None or configured is None:
        yield
        return
    mine = (alias.function_version, configured.provisioned_concurrent_executions)
    left: list[tuple[str, int]] = function.__dict__.setdefault(_LEFT, [])
    left.append(mine)
    try:
        yield
    finally:
        left.remove(mine)


def _warm(service: LambdaService, function: Function, alias_name: str, version: str | None) -> None:
    alias = function.aliases.get(alias_name)
    configured = function.provisioned_concurrency_configs.get(alias_name)
    if alias is None or configured is None or version in (None, alias.function_version):
        return
    if version not in function.versions:
        return  # the API refuses it next
    warmed = _scale(service, function, version, configured.provisioned_concurrent_executions)
    done, _ = concurrent.futures.wait([warmed], timeout=WARMING_SECONDS)
    if not done:
        LOG.warning("Version %s of %s is not warm yet; its alias moves", version, function.function_name)


def _scale(service: LambdaService, function: Function, version: str, count: int) -> concurrent.futures.Future[None]:
    arn = function.versions[version].id.qualified_arn()
    return service.get_lambda_version_manager(arn).update_provisioned_concurrency_config(count)


def _still_provisioned(function: Function, version: str) -> bool:
    """Whether the version itself, or another alias of it, asks for provisioned concurrency."""
    names = [alias.name for alias in list(function.aliases.values()) if alias.function_version == version]
    return any(name in function.provisioned_concurrency_configs for name in (version, *names))
