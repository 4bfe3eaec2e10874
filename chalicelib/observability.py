"""Structured logs. Messages are constant; what varies goes into fields. No personal data: no user ids,
names, initData or bodies."""

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@cache
def logger() -> "Logger":
    """The service's logger, built on first use (its import costs more than a cold start should pay)."""
    from aws_lambda_powertools import Logger

    return Logger(service=os.environ.get("POWERTOOLS_SERVICE_NAME", "aiba-arena"), utc=True)
