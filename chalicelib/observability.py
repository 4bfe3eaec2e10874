"""Structured logs, and the id that ties together the lines of one request.

Messages are constant; what varies goes into fields. No personal data: no user ids, names, initData, bodies or
addresses, and of an exception never its words (``log_lines``).
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

_FIT: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")

_correlation: Final = ContextVar("correlation", default="")
"""A context variable, so that neither threads nor invocations see each other's."""
_making: Final = RLock()


def fit_id(value: object) -> str:
    """``value`` if it may be a correlation id: 1 to 200 printable ASCII characters, no space around; else nothing.

    A client chooses X-Request-Id and may write anything into it; this is all that is asked of it.
    """
    return value if isinstance(value, str) and _FIT.fullmatch(value) else ""


def correlation_id() -> str:
    """The id of what is being done; empty outside ``correlated``."""
    return _correlation.get()


@contextmanager
def correlated(correlation_id: str) -> Iterator[None]:
    """Every line logged in the block carries ``correlation_id``, unless a block inside has another."""
    token = _correlation.set(correlation_id)
    try:
        yield
    finally:
        _correlation.reset(token)


def logger() -> "Logger":
    """The service's logger, built on first use (its import costs more than a cold start should pay).

    Once, however many threads come first at the same time: loggers are kept by name, and who made it as well would have
    it while another is still putting it together.
    """
    with _making:
        return made_logger()


@cache
def made_logger() -> "Logger":
    """What ``logger`` gives. Ask that one; tests make this one forget."""
    from chalicelib.log_lines import new_logger

    return new_logger(os.environ, correlation_id)
