"""Reads the arena's secret."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

SECRET_MAX_AGE_SECONDS: Final = 300
"""How long a secret's value is used before Secrets Manager is asked again."""


@cache
def _secrets_provider() -> Any:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from botocore.config import Config

    # botocore's own time-outs are longer than a function may run.
    return SecretsProvider(
        boto_config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
    )


def secrets_manager(secret_id: str) -> Mapping[str, str]:
    """The secret's JSON object, cached by Powertools for ``SECRET_MAX_AGE_SECONDS``."""
    value: Mapping[str, str] = _secrets_provider().get(secret_id, transform="json", max_age=SECRET_MAX_AGE_SECONDS)
    return value
