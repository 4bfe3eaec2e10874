"""Another region's hand, asked by HTTP."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.ports import Document
from chalicelib.errors import Unavailable
from chalicelib.messaging.region_api import RegionApi
from chalicelib.replication.conversion import FromJson, ToJson
from chalicelib.replication.hands import ENTITY, EVENTS_MAX, asked
from chalicelib.replication.ports import Event

PATH: Final = "/api/replication/hand"
ATTEMPTS: Final = 2
"""Whatever is asked may be asked twice."""
BYTES_MAX: Final = 512 * 1024
"""Of events in one question: below the smallest sensible ``JSON_BODY_LIMIT``. An event may have 256 KB."""


class HttpHand:
    """``failover.RegionHand``."""

    def __init__(self, api: RegionApi, *, to_json: ToJson, from_json: FromJson) -> None:
        self.name = api.region
        self._api = api
        self._to_json = to_json
        self._from_json = from_json

    def roles(self) -> list[Document]:
        # Once: whoever does not answer at once is not there.
        return list(self._ask("roles", attempts=1))

    def write_role(self, region: str, served_by: str | None, epoch: int, run: str, now: datetime) -> bool:
        return bool(self._ask("write_role", region=region, servedBy=served_by, epoch=epoch, run=run, at=now))

    def told(self, after: Any, limit: int) -> list[Any]:
        return list(self._ask("told", after=after, limit=limit))

    def events(self, event_ids: Sequence[Any]) -> list[Document]:
        found: list[Document] = []
        for start in range(0, len(event_ids), EVENTS_MAX):
            found += self._ask("events", ids=list(event_ids[start : start + EVENTS_MAX]))
        return found

    def lacking(self, event_ids: Sequence[Any]) -> set[Any]:
        return set(self._ask("lacking", ids=list(event_ids)))

    def apply(self, events: Sequence[Event]) -> list[Any]:
        early: list[Any] = []
        for rows in self._parts(events):
            early += self._ask("apply", events=rows)
        return early

    def _parts(self, events: Sequence[Event]) -> Iterator[list[dict[str, Any]]]:
        part: list[dict[str, Any]] = []
        size = 0
        for event in events:
            row = _row(event)
            bytes_of = len(json.dumps(self._to_json(row)))
            if part and (len(part) == EVENTS_MAX or size + bytes_of > BYTES_MAX):
                yield part
                part, size = [], 0
            part.append(row)
            size += bytes_of
        if part:
            yield part

    def _ask(self, operation: str, *, attempts: int = ATTEMPTS, **arguments: Any) -> Any:
        """Raises ``Unavailable``."""
        ask = asked(operation, self.name, arguments, self._to_json)
        while True:
            attempts -= 1
            try:
                return self._from_json(self._api.ask(PATH, ENTITY, operation, ask)["result"])
            except Unavailable:
                if attempts == 0:
                    raise
            except (LookupError, TypeError, ValueError) as error:
                raise Unavailable("region_illegible", f"{self.name} answered something else") from error


def _row(event: Event) -> dict[str, Any]:
    return {
        "_id": event.event_id,
        "region": event.source_region,
        "version": event.version,
        "occurredAt": event.occurred_at,
        "changes": list(event.changes),
    }
