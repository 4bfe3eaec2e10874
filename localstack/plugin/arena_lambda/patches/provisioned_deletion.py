"""Fault: deleting the provisioned concurrency of an alias fails (the alias is taken for a version), and deleting an
alias leaves its environments running for ever.

Now: both drain the environments of the version the alias points to.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.lambda_ import api_utils
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.services.lambda_.provider import LambdaProvider

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Make both deletions find the version behind an alias."""
    replace(LambdaProvider, "delete_provisioned_concurrency_config", _build_delete_config)
    replace(LambdaProvider, "delete_alias", _build_delete_alias)


def _build_delete_config(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete_provisioned_concurrency_config(
        self: LambdaProvider, context: Any, function_name: str, qualifier: str, **kwargs: Any
    ) -> None:
        if not api_utils.qualifier_is_alias(qualifier):
            original(self, context=context, function_name=function_name, qualifier=qualifier, **kwargs)
            return
        # Raises the API's own error when there is no such alias.
        if self._get_provisioned_config(context, function_name, qualifier) is not None:
            _release(self, context, function_name, qualifier)

    return delete_provisioned_concurrency_config


def _build_delete_alias(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete_alias(self: LambdaProvider, context: Any, function_name: str, name: str, **kwargs: Any) -> None:
        _release(self, context, function_name, name)
        original(self, context=context, function_name=function_name, name=name, **kwargs)

    return delete_alias


def _release(provider: LambdaProvider, context: Any, function_name: str, alias_name: str) -> None:
    account_id, region = api_utils.get_account_and_region(function_name, context)
    plain_name = api_utils.get_function_name(function_name, context)
    function = lambda_stores[account_id][region].functions.get(plain_name)
    alias = function.aliases.get(alias_name) if function is not None else None
    if function is None or alias is None:
        return
    if function.provisioned_concurrency_configs.pop(alias_name, None) is None:
        return
    arn = function.versions[alias.function_version].id.qualified_arn()
    provider.lambda_service.get_lambda_version_manager(arn).update_provisioned_concurrency_config(0)
