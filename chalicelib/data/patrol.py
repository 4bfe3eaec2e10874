"""Where the comparison with other regions stopped, on MongoDB."""

from datetime import datetime
from typing import Final

from chalicelib.arena.ports import Update
from chalicelib.data.fences import FencedUpdates
from chalicelib.data.operations import FindOne, Operations
from chalicelib.locks import Guard
from chalicelib.replication.patrol import Patrol, loaded, stored

COLLECTION: Final = "verifications"
_ID: Final = "patrol"


class MongoPatrolMemory:
    """``patrol.PatrolMemory``: one document."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._fenced = FencedUpdates(operations)

    def load(self) -> Patrol:
        return loaded(self._operations.execute(FindOne(COLLECTION, {"_id": _ID})))

    def last(self) -> tuple[Patrol, datetime] | None:
        """What the last run remembered, and when; None before the first."""
        found = self._operations.execute(FindOne(COLLECTION, {"_id": _ID}))
        return None if found is None else (loaded(found), found["at"])

    def save(self, patrol: Patrol, guard: Guard, now: datetime) -> None:
        fields = {**stored(patrol), "at": now}
        self._fenced.update(guard, [Update(COLLECTION, {"_id": _ID}, {"$set": fields}, upsert=True)])
