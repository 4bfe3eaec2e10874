"""What a region has applied, what lost, and what it has not sent, on MongoDB."""

from datetime import datetime
from typing import Final

from chalicelib.arena.ports import Document
from chalicelib.data.operations import Aggregate, Find, Operations
from chalicelib.data.outbox import MongoOutbox
from chalicelib.replication.outbox_ports import Waiting
from chalicelib.replication.ports import APPLIED, CONFLICTS

_NEWEST_APPLIED: Final = {"region": 1, "occurredAt": 1, "appliedAt": 1}


class MongoRegionLog:
    """One region's."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._outbox = MongoOutbox(operations)

    def applied(self, limit: int) -> list[Document]:
        """Events of other regions, {region, occurredAt, appliedAt}, about the newest ``limit``: ids begin with the
        time an event was made at."""
        newest = Find(APPLIED, {}, sort=(("_id", -1),), limit=limit, projection=_NEWEST_APPLIED)
        return self._operations.execute(newest)

    def conflicts(self, limit: int) -> list[Document]:
        """The newest ``limit``."""
        return self._operations.execute(Find(CONFLICTS, {}, sort=(("detectedAt", -1), ("_id", -1)), limit=limit))

    def conflicts_since(self, moment: datetime, most: int) -> int:
        """How many were detected since, counted up to ``most``."""
        where = {"detectedAt": {"$gte": moment}}
        counted = Aggregate(CONFLICTS, [{"$match": where}, {"$limit": most}, {"$count": "conflicts"}])
        found = self._operations.execute(counted)
        return int(found[0]["conflicts"]) if found else 0

    def waiting(self, target: str) -> Waiting:
        """What has not been sent to another region."""
        return self._outbox.waiting(target)
