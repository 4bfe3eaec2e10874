"""The outbox on MongoDB."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.outbox import COLLECTION, KEPT
from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.data.operations import Aggregate, Find, Operations, Update
from chalicelib.replication.outbox_ports import CLAIMED, COUNTED_MAX, Waiting

_TOKEN_BYTES: Final = 8
_FORGOTTEN: Final[Mapping[str, Any]] = {"pending": [], "followUpsDueAt": None, "followUpsFault": None, "setAside": None}
"""Of an event that nobody waits for."""


class MongoOutbox:
    """``outbox_ports.Outbox``."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def claim(self, target: str, now: datetime, limit: int) -> list[Document]:
        until = f"claims.{target}.until"
        free: dict[str, Any] = {"pending": target, until: {"$not": {"$gt": now}}}
        found = self._operations.execute(Find(COLLECTION, free, sort=(("occurredAt", 1),), limit=limit))
        if not found:
            return []
        token = secrets.token_hex(_TOKEN_BYTES)
        claim = {"$set": {f"claims.{target}": {"token": token, "until": now + CLAIMED}}}
        # Acknowledged by a majority, and so is whatever was written before: the events themselves.
        claimed = self._operations.execute(
            Update([Change(COLLECTION, {"_id": event["_id"], **free}, claim) for event in found])
        )
        if claimed == len(found):
            return found
        ours = {"_id": {"$in": [event["_id"] for event in found]}, f"claims.{target}.token": token}
        won = {row["_id"] for row in self._operations.execute(Find(COLLECTION, ours, projection={"_id": 1}))}
        return [event for event in found if event["_id"] in won]

    def sent(self, target: str, ids: Sequence[Any], now: datetime) -> None:
        done = {"$pull": {"pending": target}, "$unset": {f"claims.{target}": ""}}
        forget = {"$set": {"expiresAt": now + KEPT}}
        changes = [
            change
            for event_id in ids
            for change in (
                Change(COLLECTION, {"_id": event_id}, done),
                Change(COLLECTION, {"_id": event_id, **_FORGOTTEN}, forget),
            )
        ]
        if changes:
            self._operations.execute(Update(changes))

    def set_aside(self, target: str, faults: Mapping[Any, str], now: datetime) -> None:
        changes = [
            Change(
                COLLECTION,
                {"_id": event_id},
                {
                    "$pull": {"pending": target},
                    "$unset": {f"claims.{target}": ""},
                    "$push": {"setAside": {"region": target, "fault": fault, "at": now}},
                },
            )
            for event_id, fault in faults.items()
        ]
        if changes:
            self._operations.execute(Update(changes))

    def waiting(self, target: str) -> Waiting:
        oldest = self._operations.execute(
            Find(
                COLLECTION,
                {"pending": target},
                sort=(("occurredAt", 1),),
                limit=1,
                projection={"occurredAt": 1},
            )
        )
        return Waiting(
            events=self._count({"pending": target}) if oldest else 0,
            oldest_at=oldest[0]["occurredAt"] if oldest else None,
            set_aside=self._count({"setAside.region": target}),
        )

    def _count(self, where: Mapping[str, Any]) -> int:
        pipeline: list[dict[str, Any]] = [{"$match": where}, {"$limit": COUNTED_MAX}, {"$count": "events"}]
        found = self._operations.execute(Aggregate(COLLECTION, pipeline))
        return int(found[0]["events"]) if found else 0
