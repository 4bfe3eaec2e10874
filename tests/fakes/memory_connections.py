"""Connections in memory."""

import copy
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

Document = dict[str, Any]


class MemoryConnections:
    """``live_ports.Connections`` for tests; runs under the same contract tests as the real one."""

    def __init__(self) -> None:
        self._connections: dict[str, Document] = {}
        self._pushed: dict[str, str] = {}
        self._lock = threading.Lock()

    def add(self, connection: Mapping[str, Any]) -> None:
        with self._lock:
            self._connections.setdefault(connection["_id"], copy.deepcopy(dict(connection)))

    def seen(self, connection_id: str, now: datetime, expires_at: datetime) -> Document | None:
        with self._lock:
            found = self._living(connection_id, now)
            if found is None:
                return None
            found.update(lastSeenAt=now, expiresAt=expires_at)
            return copy.deepcopy(found)

    def end(self, connection_id: str, now: datetime) -> None:
        with self._lock:
            if found := self._living(connection_id, now):
                found["expiresAt"] = now

    def want_results(self, connection_id: str, wanted: bool, now: datetime) -> None:
        with self._lock:
            if found := self._living(connection_id, now):
                found["results"] = wanted

    def subscribe(self, connection_id: str, feed: str, now: datetime, *, most: int) -> bool:
        with self._lock:
            found = self._living(connection_id, now)
            if found is None or (feed not in found["boards"] and len(found["boards"]) >= most):
                return False
            if feed not in found["boards"]:
                found["boards"].append(feed)
            return True

    def unsubscribe(self, connection_id: str, feed: str, now: datetime) -> None:
        with self._lock:
            if (found := self._living(connection_id, now)) and feed in found["boards"]:
                found["boards"].remove(feed)

    def living(self, now: datetime) -> int:
        with self._lock:
            return len(list(self._all(now)))

    def of_player(self, telegram_id: str, now: datetime, limit: int) -> list[Document]:
        with self._lock:
            found = [c for c in self._all(now) if c["telegramId"] == telegram_id]
        return sorted(found, key=lambda c: (c["connectedAt"], c["_id"]), reverse=True)[:limit]

    def subscribers(self, feed: str, now: datetime, *, after: str, limit: int) -> list[Document]:
        with self._lock:
            found = [c for c in self._all(now) if feed in c["boards"] and c["_id"] > after]
        return sorted(found, key=lambda c: str(c["_id"]))[:limit]

    def pushed(self, feed: str) -> str | None:
        with self._lock:
            return self._pushed.get(feed)

    def remember_pushed(self, feed: str, digest: str, now: datetime) -> None:
        with self._lock:
            self._pushed[feed] = digest

    def _living(self, connection_id: str, now: datetime) -> Document | None:
        found = self._connections.get(connection_id)
        return found if found is not None and found["expiresAt"] > now else None

    def _all(self, now: datetime) -> list[Document]:
        return [copy.deepcopy(c) for c in self._connections.values() if c["expiresAt"] > now]
