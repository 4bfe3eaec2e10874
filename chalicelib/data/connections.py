"""Connections on MongoDB.

Nothing is deleted: ending a connection lets it expire now, and the TTL index takes it away.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.data import live_queries
from chalicelib.data.operations import Operations, Update, UpdateReturning


class MongoConnections:
    """``live_ports.Connections`` on MongoDB."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def add(self, connection: Mapping[str, Any]) -> None:
        fields = {name: value for name, value in connection.items() if name != "_id"}
        self._change({"_id": connection["_id"]}, {"$setOnInsert": fields}, upsert=True)

    def seen(self, connection_id: str, now: datetime, expires_at: datetime) -> Document | None:
        change = {"$set": {"lastSeenAt": now, "expiresAt": expires_at}}
        return self._operations.execute(UpdateReturning(Change("connections", _living(connection_id, now), change)))

    def end(self, connection_id: str, now: datetime) -> None:
        self._change(_living(connection_id, now), {"$set": {"expiresAt": now}})

    def want_results(self, connection_id: str, wanted: bool, now: datetime) -> None:
        self._change(_living(connection_id, now), {"$set": {"results": wanted}})

    def subscribe(self, connection_id: str, feed: str, now: datetime, *, most: int) -> bool:
        room = [{"boards": feed}, {f"boards.{most - 1}": {"$exists": False}}]
        return self._change({**_living(connection_id, now), "$or": room}, {"$addToSet": {"boards": feed}}) == 1

    def unsubscribe(self, connection_id: str, feed: str, now: datetime) -> None:
        self._change(_living(connection_id, now), {"$pull": {"boards": feed}})

    def of_player(self, telegram_id: str, now: datetime, limit: int) -> list[Document]:
        return self._operations.execute(live_queries.living_of_player(telegram_id, now, limit))

    def subscribers(self, feed: str, now: datetime, *, after: str, limit: int) -> list[Document]:
        return self._operations.execute(live_queries.living_followers(feed, now, after, limit))

    def living(self, now: datetime) -> int:
        """How many there are."""
        counted = self._operations.execute(live_queries.living(now))
        return int(counted[0]["connections"]) if counted else 0

    def pushed(self, feed: str) -> str | None:
        found = self._operations.execute(live_queries.last_pushed(feed))
        return None if found is None else str(found["digest"])

    def remember_pushed(self, feed: str, digest: str, now: datetime) -> None:
        change = Change("liveboards", {"_id": feed}, {"$set": {"digest": digest, "pushedAt": now}}, upsert=True)
        self._operations.execute(Update([change]))

    def _change(self, where: Mapping[str, Any], change: Mapping[str, Any], *, upsert: bool = False) -> int:
        return self._operations.execute(Update([Change("connections", where, change, upsert=upsert)]))


def _living(connection_id: str, now: datetime) -> dict[str, Any]:
    return {"_id": connection_id, "expiresAt": {"$gt": now}}
