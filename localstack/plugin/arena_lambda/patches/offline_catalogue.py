"""Fault: to tell which CloudFormation types are supported, LocalStack asks its vendor's server; without a network every
type is unsupported, so CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES=0 refuses every template.

Now: a type is supported when a resource provider for it is installed, and nobody is asked.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.cloudformation.engine.v2.change_set_resource_support_checker import (
    ChangeSetResourceSupportChecker,
)
from localstack.services.cloudformation.resource_provider import plugin_manager
from localstack.utils.catalog.catalog import AwsCatalogRemoteStatePlugin
from localstack.utils.catalog.common import CloudFormationResourcesSupportAtRuntime

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Decide by what is installed."""
    replace(ChangeSetResourceSupportChecker, "_resource_support_status", _build_status)
    replace(AwsCatalogRemoteStatePlugin, "__init__", _build_remote_catalogue)


def _build_status(_: Callable[..., Any]) -> Callable[..., Any]:
    def _resource_support_status(_checker: ChangeSetResourceSupportChecker, resource_type: str) -> Any:
        # A custom resource is a call to a function of the stack's own.
        known = "AWS::CloudFormation::CustomResource" if resource_type.startswith("Custom::") else resource_type
        if plugin_manager.exists(known):
            return CloudFormationResourcesSupportAtRuntime.AVAILABLE
        return CloudFormationResourcesSupportAtRuntime.NOT_IMPLEMENTED

    return _resource_support_status


def _build_remote_catalogue(_: Callable[..., None]) -> Callable[..., None]:
    def __init__(*_args: Any, **_kwargs: Any) -> None:  # noqa: N807
        # LocalStack falls back to its offline catalogue on any error here.
        raise ConnectionError("the remote catalogue is not used")

    return __init__
