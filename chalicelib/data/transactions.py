"""Transactions: all of a unit of work or nothing, within one time budget.

Isolation is snapshot, durability majority. Three things make the work run again on a fresh snapshot:

* a write conflict or a lost primary (the driver knows these by their labels and retries with back-off);
* a unique key another transaction took first (``DuplicateKeyError``);
* a conditional write that matched nothing (``StaleState``): the facts decided on had changed.

The last two are bounded by ``RACES_MAX``: a request that loses that often meets something other than a
race, and is refused rather than retried until its time runs out.
"""

import random
import time
from collections.abc import Callable
from contextvars import Context
from typing import Final, TypeVar

import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from chalicelib.data.faults import translated
from chalicelib.data.operations import DEFAULT_BUDGET_SECONDS
from chalicelib.data.pools import Pools
from chalicelib.errors import Conflict, Unavailable

T = TypeVar("T")

RACES_MAX: Final = 8
"""Fresh snapshots tried after losing a key or a fact to another transaction."""

_BACKOFF_SECONDS: Final = 0.005
_BACKOFF_MAX_SECONDS: Final = 0.1
_ABORT_SECONDS: Final = 1.0
_DUPLICATE_KEY_CODE: Final = 11000


class StaleState(Exception):
    """A conditional write matched nothing: what the decision rested on is gone."""


class Transactions:
    """Runs work in transactions on the primary pool."""

    def __init__(self, pools: Pools, *, budget_seconds: float = DEFAULT_BUDGET_SECONDS) -> None:
        self._pools = pools
        self._budget_seconds = budget_seconds

    def run(self, work: Callable[[ClientSession], T]) -> T:
        """What ``work`` returned in the transaction that committed.

        ``work`` may run several times and must have no effects but through its session. Raises ``Unavailable`` when the
        budget is used up, ``Conflict`` when a unique key stays taken; anything else ``work`` raises aborts and passes.
        """
        client = self._pools.client("primary")

        def attempt(session: ClientSession) -> T:
            try:
                return work(session)
            except BaseException:
                # Its time may be used up, and the driver would send nothing more: the database would keep all that is
                # locked, for other players and for a failover, until it gives the transaction up. A context of its own
                # has time of its own.
                Context().run(_abort, session)
                raise

        with translated(), pymongo.timeout(self._budget_seconds), client.start_session() as session:
            for race in range(RACES_MAX):
                try:
                    return session.with_transaction(
                        attempt,
                        read_concern=ReadConcern("snapshot"),
                        write_concern=WriteConcern("majority", j=True),
                        read_preference=ReadPreference.PRIMARY,
                    )
                except StaleState as error:
                    lost: Exception = error
                except OperationFailure as error:
                    if not is_duplicate_key(error):
                        raise
                    lost = error
                time.sleep(random.random() * min(_BACKOFF_MAX_SECONDS, _BACKOFF_SECONDS * 2**race))
        if isinstance(lost, StaleState):
            raise Unavailable("busy", "too many simultaneous changes", retry_after_seconds=1) from lost
        raise Conflict("conflict", "another request holds the same unique key") from lost


def _abort(session: ClientSession) -> None:
    if session.in_transaction:
        with pymongo.timeout(_ABORT_SECONDS):
            session.abort_transaction()


def is_duplicate_key(error: OperationFailure) -> bool:
    """Whether a unique index refused a write, single or in bulk."""
    if isinstance(error, BulkWriteError):
        failures = (error.details or {}).get("writeErrors", [])
        return any(failure.get("code") == _DUPLICATE_KEY_CODE for failure in failures)
    return isinstance(error, DuplicateKeyError)
