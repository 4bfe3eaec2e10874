"""The outbox in memory."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.arena.outbox import COLLECTION, KEPT
from chalicelib.arena.ports import Document, Update
from chalicelib.replication.outbox_ports import CLAIMED, COUNTED_MAX, Waiting
from tests.fakes.memory_database import MemoryDatabase


class MemoryOutbox:
    """``outbox_ports.Outbox``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._lock = threading.Lock()

    def claim(self, target: str, now: datetime, limit: int) -> list[Document]:
        with self._lock:
            waiting = self._waiting(target)
            free = [event for event in waiting if event.get("claims", {}).get(target, now) <= now][:limit]
            for event in free:
                self._write(event["_id"], {"$set": {f"claims.{target}": now + CLAIMED}})
            return free

    def sent(self, target: str, ids: Sequence[Any], now: datetime) -> None:
        with self._lock:
            for event in self._events(lambda event: event["_id"] in ids):
                kept = event["pending"] != [target] or any(event.get(name) for name in ("followUpsDueAt", "setAside"))
                self._done(target, event, {} if kept else {"expiresAt": now + KEPT})

    def set_aside(self, target: str, faults: Mapping[Any, str], now: datetime) -> None:
        with self._lock:
            for event in self._events(lambda event: event["_id"] in faults):
                aside = {"region": target, "fault": faults[event["_id"]], "at": now}
                self._done(target, event, {"setAside": [*event.get("setAside", []), aside]})

    def waiting(self, target: str) -> Waiting:
        waiting = self._waiting(target)
        aside = self._events(lambda event: any(one["region"] == target for one in event.get("setAside", ())))
        return Waiting(
            events=min(len(waiting), COUNTED_MAX),
            oldest_at=waiting[0]["occurredAt"] if waiting else None,
            set_aside=len(aside),
        )

    def _waiting(self, target: str) -> list[Document]:
        found = self._events(lambda event: target in event.get("pending", ()))
        return sorted(found, key=lambda event: event["occurredAt"])

    def _events(self, wanted: Callable[[Document], bool]) -> list[Document]:
        return [event for event in self._database.now().find(COLLECTION) if wanted(event)]

    def _done(self, target: str, event: Document, more: Document) -> None:
        pending = [region for region in event["pending"] if region != target]
        self._write(event["_id"], {"$set": {"pending": pending, **more}, "$unset": {f"claims.{target}": ""}})

    def _write(self, event_id: Any, change: Document) -> None:
        self._database.commit([Update(COLLECTION, {"_id": event_id}, change)])
