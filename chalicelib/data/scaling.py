"""The scaling controller's memory and log in MongoDB, in one collection: both change in one fenced write."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chalicelib.arena.ports import Update as Change
from chalicelib.data.fences import FencedUpdates
from chalicelib.data.operations import Find, FindOne, Operations, Update
from chalicelib.locks import Guard
from chalicelib.scaling.model import State
from chalicelib.scaling.override import Override, override_data, read_override
from chalicelib.scaling.ports import Document, Remembered

COLLECTION: Final = "scaling"
CONTROLLER: Final = "controller"
AFTER_EVERY_DECISION: Final = ":"
"""Decisions' ids begin with a digit; this sorts after them and before ``CONTROLLER``."""
KEPT: Final = {"hold": timedelta(days=3), "out": timedelta(weeks=6), "in": timedelta(weeks=6)}
"""By action. Six weeks is how long AWS keeps scaling activities; decisions to hold are four a minute."""


class MongoScaling:
    """``scaling.ports.ScalingStore``."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._fenced = FencedUpdates(operations)

    def remembered(self) -> Remembered:
        found = self._operations.execute(FindOne(COLLECTION, {"_id": CONTROLLER})) or {}
        return Remembered(
            state=found.get("state"),
            policy=found.get("policy", ""),
            override=read_override(found.get("override")),
            asked_at=found.get("askedAt"),
        )

    def decide(self, guard: Guard | None, decision: Document, policy: str, state: State, *, moving: bool) -> None:
        at = float(decision["at"])
        kept = {"state": state, "policy": policy, **({"askedAt": at} if moving else {})}
        logged = {**decision, "expiresAt": datetime.fromtimestamp(at, UTC) + KEPT[decision["action"]]}
        decision_id = logged.pop("_id")
        self._fenced.update(
            guard,
            [
                Change(COLLECTION, {"_id": CONTROLLER}, {"$set": kept}, upsert=True),
                Change(COLLECTION, {"_id": decision_id}, {"$setOnInsert": logged}, upsert=True),
            ],
        )

    def carried_out(self, decision_id: str, move: Mapping[str, Any]) -> None:
        change = Change(COLLECTION, {"_id": decision_id}, {"$set": {"move": dict(move)}})
        self._operations.execute(Update([change]))

    def decisions(self, limit: int, before: str | None = None) -> list[Document]:
        where = {"_id": {"$lt": before or AFTER_EVERY_DECISION}}
        return self._operations.execute(Find(COLLECTION, where, sort=[("_id", -1)], limit=limit))

    def override(self, override: Override | None) -> None:
        change = {"$set": {"override": override_data(override)}} if override else {"$unset": {"override": ""}}
        self._operations.execute(Update([Change(COLLECTION, {"_id": CONTROLLER}, change, upsert=True)]))
