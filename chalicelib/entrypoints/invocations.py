"""What queues, schedules and Secrets Manager invoke has an id in the log, and fails in words that a log may hold."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from chalice.app import Blueprint

from chalicelib.errors import ArenaError
from chalicelib.observability import correlated, logger
from chalicelib.settings import SettingsError

_Handler = Callable[..., Any]


class InvocationFailed(Exception):
    """Stands for what a log must not hold: Lambda prints an error's words."""


class InvokedBlueprint(Blueprint):
    """Every invocation of its functions is logged under Lambda's own id of it, and so is its failure.

    Not by middleware of the application: Lambda loads the file of the function and never the application.
    """

    def schedule(self, *arguments: Any, **options: Any) -> Callable[[_Handler], Any]:
        return _identifying(super().schedule(*arguments, **options))

    def on_sqs_message(self, *arguments: Any, **options: Any) -> Callable[[_Handler], Any]:
        return _identifying(super().on_sqs_message(*arguments, **options))

    def lambda_function(self, *arguments: Any, **options: Any) -> Callable[[_Handler], Any]:
        return _identifying(super().lambda_function(*arguments, **options))


def _identifying(register: Callable[[_Handler], Any]) -> Callable[[_Handler], Any]:
    def decorate(handler: _Handler) -> Any:
        @wraps(handler)
        def identified(event: Any, *context: Any) -> Any:
            (at,) = context or (event.context,)
            # What Lambda's own lines have, START to REPORT.
            with correlated(getattr(at, "aws_request_id", None) or str(uuid.uuid4())):
                try:
                    return handler(event, *context)
                except (ArenaError, SettingsError):
                    raise
                except Exception as error:  # noqa: BLE001 - it is raised again, by another name
                    logger().exception("invocation failed")
                    raise InvocationFailed(type(error).__name__) from None

        return register(identified)

    return decorate
