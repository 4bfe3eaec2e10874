"""What the driver's errors mean to the arena; the only place that maps them.

* The database can't be reached, has no primary, or did not answer in time: ``Unavailable`` (503). A write
  that was under way may or may not have happened, so the caller repeats the request with the same
  requestId and gets the one answer there is.
* Everything else (a refused command, a document too large) is a fault of ours and passes through.
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from pymongo import errors

from chalicelib.errors import Unavailable

RETRY_AFTER_SECONDS: Final = 2
"""A replica set elects a new primary within seconds; asking again sooner only adds load."""

_TRANSIENT_LABELS: Final = ("TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError")
_UNAVAILABLE: Final = (errors.ConnectionFailure, errors.ExecutionTimeout, errors.WTimeoutError)


def is_unavailability(error: errors.PyMongoError) -> bool:
    """Whether trying again later may succeed without anything being mended."""
    if isinstance(error, _UNAVAILABLE) or error.timeout:
        return True
    return any(error.has_error_label(label) for label in _TRANSIENT_LABELS)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns a driver error that means "not now" into ``Unavailable``."""
    try:
        yield
    except errors.PyMongoError as error:
        if not is_unavailability(error):
            raise
        raise Unavailable(
            "database_unavailable", "the database did not answer in time", retry_after_seconds=RETRY_AFTER_SECONDS
        ) from error
