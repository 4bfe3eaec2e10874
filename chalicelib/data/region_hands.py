"""One region's database, from outside: for failover, which sees them all."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.home_fence import raised
from chalicelib.arena.outbox import COLLECTION
from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.clock import Clock
from chalicelib.data.moves import MongoRegionRoles
from chalicelib.data.operations import Aggregate, Find, FindOne, Operations, Update
from chalicelib.data.replica import MongoReplica
from chalicelib.data.store import MongoStore
from chalicelib.replication import regions
from chalicelib.replication.applying import decide
from chalicelib.replication.ports import APPLIED, Event

_CLOCK: Final = Aggregate(None, [{"$documents": [{"now": "$$NOW"}]}])


class MongoRegionHand:
    """``failover.RegionHand``. ``store`` records nothing."""

    def __init__(self, operations: Operations, store: MongoStore, clock: Clock, *, name: str = "") -> None:
        self.name = name
        self._operations = operations
        self._replica = MongoReplica(store)
        self._clock = clock

    def roles(self) -> list[Document]:
        return MongoRegionRoles(self._operations).all()

    def write_role(self, region: str, served_by: str | None, epoch: int, run: str, now: datetime) -> bool:
        begun = Change(regions.COLLECTION, {"_id": region}, {"$setOnInsert": {"epoch": 0}}, upsert=True)
        role = {"servedBy": served_by, "epoch": epoch, "run": run, "changedAt": now}
        newer = Change(regions.COLLECTION, {"_id": region, "epoch": {"$lt": epoch}}, {"$set": role})
        self._operations.execute(Update([begun]))
        self._operations.execute(Update([newer]))
        stored = self._operations.execute(FindOne(regions.COLLECTION, {"_id": region})) or {}
        ours = stored.get("run") == run and stored["epoch"] == epoch
        if ours and served_by is None:
            # By the database's clock, too: a machine that has the wrong day would fence nothing.
            (there,) = self._operations.execute(_CLOCK)
            # Waits for who holds a stripe. Out of time it raises, and is called again.
            self._operations.execute(Update(raised(self._clock(), there["now"])))
        return bool(ours)

    def introduce(self, region: str, url: str) -> None:
        """Says where a region's API is; who serves for whom stays as it was."""
        self._operations.execute(Update([regions.introduction(region, url)]))

    def told(self, after: Any, limit: int) -> list[Any]:
        where = {} if after is None else {"_id": {"$gt": after}}
        found = Find(COLLECTION, where, sort=(("_id", 1),), limit=limit, projection={"_id": 1})
        return [row["_id"] for row in self._operations.execute(found)]

    def events(self, event_ids: Sequence[Any]) -> list[Document]:
        return self._operations.execute(Find(COLLECTION, {"_id": {"$in": list(event_ids)}})) if event_ids else []

    def lacking(self, event_ids: Sequence[Any]) -> set[Any]:
        known = self._operations.execute(Find(APPLIED, {"_id": {"$in": list(event_ids)}}, projection={"_id": 1}))
        return set(event_ids) - {row["_id"] for row in known}

    def apply(self, events: Sequence[Event]) -> list[Any]:
        fates = self._replica.transact(lambda snapshot: decide(events, snapshot, self._clock()))
        return [one.event_id for one in fates if one.fate == "early"]
