"""The scaling controller's memory and log in memory."""

from collections.abc import Mapping
from typing import Any

from chalicelib.arena.ports import Update
from chalicelib.data.scaling import AFTER_EVERY_DECISION, COLLECTION, CONTROLLER
from chalicelib.locks import Guard
from chalicelib.scaling.model import State
from chalicelib.scaling.override import Override, override_data, read_override
from chalicelib.scaling.ports import Document, Remembered
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_fences import counted, require


class MemoryScaling:
    """``scaling.ports.ScalingStore``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def remembered(self) -> Remembered:
        found = next(iter(self._database.now().find(COLLECTION, {"_id": CONTROLLER})), {})
        return Remembered(
            state=found.get("state"),
            policy=found.get("policy", ""),
            override=read_override(found.get("override")),
            asked_at=found.get("askedAt"),
        )

    def decide(self, guard: Guard | None, decision: Document, policy: str, state: State, *, moving: bool) -> None:
        kept = {"state": state, "policy": policy, **({"askedAt": decision["at"]} if moving else {})}
        writes = [Update(COLLECTION, {"_id": CONTROLLER}, {"$set": kept}, upsert=True)]
        if not self._database.now().find(COLLECTION, {"_id": decision["_id"]}):
            stored = {name: value for name, value in decision.items() if name != "_id"}
            writes.append(Update(COLLECTION, {"_id": decision["_id"]}, {"$set": stored}, upsert=True))
        if guard is not None:
            require(self._database, guard)
            writes.append(counted(guard))
        self._database.commit(writes)

    def carried_out(self, decision_id: str, move: Mapping[str, Any]) -> None:
        self._database.commit([Update(COLLECTION, {"_id": decision_id}, {"$set": {"move": dict(move)}})])

    def decisions(self, limit: int, before: str | None = None) -> list[Document]:
        every = self._database.now().find(COLLECTION)
        found = [one for one in every if one["_id"] < (before or AFTER_EVERY_DECISION)]
        return sorted(found, key=lambda one: str(one["_id"]), reverse=True)[:limit]

    def override(self, override: Override | None) -> None:
        change = {"$set": {"override": override_data(override)}} if override else {"$unset": {"override": ""}}
        self._database.commit([Update(COLLECTION, {"_id": CONTROLLER}, change, upsert=True)])
