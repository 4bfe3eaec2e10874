"""Fencing numbers, and the check where a protected write happens.

One document per lock holds the number drawn last. A draw raises it, majority-acknowledged, so that no failover of
MongoDB takes a number back that somebody works under. A protected write is a transaction that also *changes* the lock's
document, on condition that the number is still its own. Reading it would not do: two transactions that write different
documents commit side by side, and the earlier holder's could commit after the later one drew. Both changing one
document, one of them waits for the other: each protected write is wholly before the next draw, or refused.
"""

from collections.abc import Sequence
from typing import Final

from pymongo.client_session import ClientSession

from chalicelib.arena.moments import epoch_ms
from chalicelib.arena.ports import Update as Change
from chalicelib.clock import Clock
from chalicelib.data.operations import FindOne, Operations, Update, UpdateReturning
from chalicelib.data.transactions import Transactions
from chalicelib.locks import FencedOut, Guard

COLLECTION: Final = "fences"


class MongoFences:
    """``locks.Fences``."""

    def __init__(self, operations: Operations, clock: Clock) -> None:
        self._operations = operations
        self._clock = clock

    def draw(self, lock: str) -> int:
        return self._raised(lock) or self._begun(lock)

    def is_newest(self, guard: Guard) -> bool:
        return self._operations.execute(FindOne(COLLECTION, _newest(guard))) is not None

    def _raised(self, lock: str) -> int | None:
        found = self._operations.execute(UpdateReturning(Change(COLLECTION, {"_id": lock}, {"$inc": {"fence": 1}})))
        return None if found is None else int(found["fence"])

    def _begun(self, lock: str) -> int:
        """The first number of a lock.

        Not 1: where the collection was lost, what was stored under the old numbers may still be there, in Redis for
        one. Nobody draws a number every millisecond, so the time is above them all.
        """
        begin = {"fence": epoch_ms(self._clock()), "writes": 0}
        self._operations.execute(Update([Change(COLLECTION, {"_id": lock}, {"$setOnInsert": begin}, upsert=True)]))
        raised = self._raised(lock)
        if raised is None:
            raise RuntimeError(f"the fence of {lock!r} was removed while it was made")
        return raised


class FencedUpdates:
    """Updates that only the newest holder of a lock makes."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._transactions = Transactions(operations.pools, budget_seconds=operations.budget_seconds)

    def update(self, guard: Guard | None, changes: Sequence[Change]) -> int:
        """Makes all ``changes``, which are of one collection; how many found (or created) their document.

        Raises ``FencedOut``, and nothing is changed then; ``Unavailable``. Without a guard, for callers who know that
        they are alone, the changes are made one by one.
        """
        if guard is None:
            return self._operations.execute(Update(changes))

        def attempt(session: ClientSession) -> int:
            written = self._operations.execute(Update(changes), session=session)
            require(self._operations, guard, session)
            return written

        return self._transactions.run(attempt)


def require(operations: Operations, guard: Guard, session: ClientSession) -> None:
    """Raises ``FencedOut`` unless ``guard`` is the newest, and makes the transaction one that nobody draws beside.

    The last thing a transaction does: whoever draws waits for it from here on.
    """
    counted = Change(COLLECTION, _newest(guard), {"$inc": {"writes": 1}})
    if not operations.execute(Update([counted]), session=session):
        raise FencedOut(guard)


def _newest(guard: Guard) -> dict[str, object]:
    return {"_id": guard.lock, "fence": guard.fence}
