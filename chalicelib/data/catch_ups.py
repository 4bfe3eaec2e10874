"""How far regions have caught up with others in failovers that are not over, on MongoDB."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.ports import Update as Change
from chalicelib.data.operations import FindOne, Operations, Update

COLLECTION: Final = "catchups"


class MongoCatchUps:
    """``failover_desk.CatchUps``: one document per region."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def load(self, region: str, since: datetime) -> Mapping[str, Any]:
        found = self._operations.execute(FindOne(COLLECTION, {"_id": region}))
        return {} if found is None or found["at"] < since else dict(found["places"])

    def save(self, region: str, places: Mapping[str, Any], now: datetime) -> None:
        fields = {"places": dict(places), "at": now}
        self._operations.execute(Update([Change(COLLECTION, {"_id": region}, {"$set": fields}, upsert=True)]))
