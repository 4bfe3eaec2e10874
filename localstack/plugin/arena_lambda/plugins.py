"""Entry points that LocalStack discovers: the executor named ``process`` and the hook that prepares it.

LocalStack swallows an import error of an entry point, so this module imports nothing of LocalStack's
internals: what could break is imported inside the hook, where a failure ends the start.
"""

from typing import Any

from localstack.runtime import hooks
from plux import Plugin


class ProcessRuntimeExecutorPlugin(Plugin):
    """Chosen by LAMBDA_RUNTIME_EXECUTOR=process."""

    namespace = "localstack.lambda.runtime_executor"
    name = "process"

    def load(self, *_args: Any, **_kwargs: Any) -> type:
        """Return the executor class that LocalStack instantiates once per Lambda environment."""
        from arena_lambda.executor import ProcessRuntimeExecutor

        return ProcessRuntimeExecutor


# Above LocalStack's own hooks (0 to 100): a wrong installation must be refused before any service starts.
@hooks.on_infra_start(priority=1000)
def arena_lambda_prepare() -> None:
    """Refuse a LocalStack other than the pinned one, then apply every patch that is not disabled."""
    from localstack import config, constants

    from arena_lambda.compatibility import check_localstack_version
    from arena_lambda.settings import load_settings

    if ProcessRuntimeExecutorPlugin.name != config.LAMBDA_RUNTIME_EXECUTOR:
        return
    check_localstack_version(constants.VERSION)
    settings = load_settings()

    from arena_lambda.patches import apply_patches

    apply_patches(settings.disabled_patches)
